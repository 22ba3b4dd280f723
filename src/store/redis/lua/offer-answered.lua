--# include: base events operators contacts offers
-- The operator answered: connected; the contact leaves its queue. The offer stays known until the conversation ends,
-- so that a repeat is told from a late answer.
-- Arguments: offerId. Result: "connected", "staleOffer".
local offer = loadOffer(argument(1))
if not offer then return 'staleOffer' end
if offer.state == 'connected' then return 'connected' end

redis.call('HSET', prefix .. 'offer:' .. offer.offerId, 'state', 'connected')
redis.call('ZREM', prefix .. 'due:offers', offer.offerId)
local hold = loadHold(offer.operatorId, offer.contactId)
hold.state = 'connected'
saveHold(offer.operatorId, offer.contactId, hold)
redis.call('HINCRBY', operatorKey(offer.operatorId), 'contactsTaken', 1)
local contact = loadContact(offer.contactId)
leaveQueue(contact)
publish('offerConnected', offer, {
  offerId = offer.offerId, queueId = contact.queueId, waitedMs = nowMs - tonumber(contact.enqueuedAtMs),
})
return 'connected'
