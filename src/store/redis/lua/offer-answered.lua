-- The operator answered: connected; the contact leaves its queue. The offer stays known until the conversation ends,
-- so that a repeat is told from a late answer.
-- Arguments: offerId. Result: "connected", "staleOffer".
local offer = loadOffer(argument(1))
if not offer then return 'staleOffer' end
if offer.state == 'connected' then return 'connected' end

redis.call('HSET', prefix .. 'offer:' .. offer.offerId, 'state', 'connected')
redis.call('ZREM', prefix .. 'due:offers', offer.offerId)
local hold = loadHold(offer.operatorId, offer.contactId)
redis.call('HDEL', prefix .. 'told:' .. hold.shard, offer.offerId)
hold.state, hold.sinceMs = 'connected', ARGV[1]
saveHold(offer.operatorId, offer.contactId, hold)
local key = operatorKey(offer.operatorId)
redis.call('HINCRBY', key, 'contactsTaken', 1)
redis.call('HINCRBY', key, 'engaged', 1)
redis.call('HDEL', key, 'missedOffers')
local operator = loadOperator(offer.operatorId)
settleTime(offer.operatorId, operator)
-- Who may be offered something else beside it stands by what he has taken by now.
if isAvailable(operator, 'voice') or isAvailable(operator, 'chat') then placeOperator(offer.operatorId) end
local contact = loadContact(offer.contactId)
-- The deadline without the head start: within the queue's answer target or not.
local isInTime = nowMs <= tonumber(contact.score) + tonumber(contact.headStartMs or '0')
if not contact.kind then keepMean('serviceLevel', contact.queueId, isInTime and 1 or 0) end
leaveQueue(contact)
local facts = {
  offerId = offer.offerId, queueId = contact.queueId, waitedMs = nowMs - tonumber(contact.enqueuedAtMs),
}
if contact.steps then
  local steps = cjson.decode(contact.steps)
  steps[tonumber(contact.step)].state = 'served'
  facts.steps = statesOf(steps)
end
publish('offerConnected', offer, facts)
return 'connected'
