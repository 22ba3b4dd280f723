--# include: base events operators contacts offers
-- Reserves the best ready operator for a contact that stands in its class.
-- Arguments: contactId, offerId, expiresAtMs. Result: { contactId, offerId, operatorId } or nil.
local contact = loadContact(argument(1))
if not contact or contact.offerId then return nil end

local heads = prefix .. 'profile-heads:' .. contact.medium .. ':' .. contact.strategy
local profileId, passedOver = firstFitting(heads, prefix .. 'served-by:' .. contact.classId)
if not profileId then return nil end
local operatorId = redis.call('ZRANGE', readyKey(contact.medium, contact.strategy, profileId), 0, 0)[1]
return reserve(contact, operatorId, {
  offerId = argument(2), expiresAtMs = argument(3), trigger = 'contact', passedOver = passedOver,
})
