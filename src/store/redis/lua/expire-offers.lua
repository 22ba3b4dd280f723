-- Gives back offers whose lease has run out, the oldest first.
-- Arguments: how many at most. Result: a flat list contactId, offerId, operatorId, contactId, ...
local expired = {}
for _, offerId in ipairs(redis.call(
  'ZRANGE', prefix .. 'due:offers', '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, argument(1)
)) do
  local offer = loadOffer(offerId)
  withdrawOffer(offer, 'leaseExpired')
  table.insert(expired, offer.contactId)
  table.insert(expired, offerId)
  table.insert(expired, offer.operatorId)
end
return expired
