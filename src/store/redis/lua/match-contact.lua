--# include: base events operators contacts offers
-- Reserves the best ready operator for a contact that stands in its class.
-- Arguments: contactId, offerId, expiresAtMs. Result: { contactId, offerId, operatorId } or nil.
local contact = loadContact(argument(1))
if not contact or contact.offerId then return nil end

local heads = prefix .. 'profile-heads:' .. contact.medium .. ':' .. contact.strategy
local operatorId, passedOver = firstPair(heads, prefix .. 'served-by:' .. contact.classId, function(profileId)
  return firstWhoMayMeet(readyKey(contact.medium, contact.strategy, profileId), function(candidate)
    return not holds(candidate, contact.contactId)
  end)
end)
if not operatorId then return nil end
return reserve(contact, operatorId, {
  offerId = argument(2), expiresAtMs = argument(3), trigger = 'contact', passedOver = passedOver,
})
