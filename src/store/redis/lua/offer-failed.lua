-- The offer ended without an answer: both are given back, the operator set aside for a while, or not ready (reason
-- "rna") when he has missed one offer too many.
-- Arguments: offerId, failure, setAsideMs, "1" to exclude him from this contact, how many missed offers in a row make
-- him not ready or ""; to match the contact: offerId, expiresAtMs, readers; and an offerId to match the operator.
-- Result: { "staleOffer" } or { "givenBack", operatorId, contactId, the reservations' words ... }.
local failure, setAsideMs = argument(2), tonumber(argument(3))
local offer = loadOffer(argument(1))
if not offer or offer.state ~= 'offered' then return { 'staleOffer' } end

local key = operatorKey(offer.operatorId)
local isOneTooMany = failure == 'offerUnanswered'
  and redis.call('HINCRBY', key, 'missedOffers', 1) >= (tonumber(argument(5)) or math.huge)
local presence = redis.call('HGET', key, 'presence')
isOneTooMany = isOneTooMany and presence == 'ready'
dropOffer(offer, isOneTooMany and 0 or setAsideMs)
local contact = loadContact(offer.contactId)
if failure == 'contactGone' then
  leaveQueue(contact)
else
  if argument(4) == '1' then exclude(contact, offer.operatorId) end
  stand(contact)
  if contact.preferred and examine(contact) then becomesDue('due:contacts', contact.contactId, ARGV[1]) end
end
publish('offerGivenBack', offer, {
  offerId = offer.offerId, failure = failure, setAsideMs = isOneTooMany and 0 or setAsideMs,
})
if isOneTooMany and redis.call('HGET', key, 'presence') == 'ready' then
  local facts = setPresence(offer.operatorId, 'ready', 'notReady', 'rna')
  redis.call('HDEL', key, 'missedOffers')
  publish('presenceChanged', { operatorId = offer.operatorId }, facts)
end
local result, contactsOffer = { 'givenBack', offer.operatorId, offer.contactId }, offerFrom(6)
if not contactsOffer then return result end
if failure ~= 'contactGone' then withReservation(result, matchContact(offer.contactId, contactsOffer)) end
local operatorsOffer = { offerId = argument(9), expiresAtMs = argument(7), readers = argument(8) }
return withReservation(result, matchOperator(offer.operatorId, operatorsOffer))
