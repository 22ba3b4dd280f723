-- Reserves the best ready operator for a contact that stands: in its class, or for one operator only.
-- Arguments: contactId, offerId, expiresAtMs. Result: { contactId, offerId, operatorId } or nil.
local contact = loadContact(argument(1))
-- A call-back gets an operator by the rule of sharing only (parts/call-backs.lua).
if not contact or contact.offerId or contact.kind then return nil end
local offer = { offerId = argument(2), expiresAtMs = argument(3), trigger = 'contact' }

if contact.preferred then
  local operator = loadForMatch(contact.preferred)
  if not operator or not isAvailable(operator, contact.medium) then return nil end
  if holds(contact.preferred, contact.contactId) then return nil end
  offer.passedOver, offer.nextBest = { unfit = 0, excluded = 0, holding = 0 }, {}
  return reserve(contact, contact.preferred, operator, offer)
end

local excluded = {}
if contact.excluded and exclusionsCount(contact) then
  for _, operatorId in ipairs(excludedOf(contact)) do excluded[operatorId] = true end
end
local found, passedOver = bestNotHeld(
  prefix .. 'profile-heads:' .. contact.medium .. ':' .. contact.strategy,
  {
    -- The one who is picked, and the five next best for the trace.
    most = 6,
    fit = prefix .. 'served-by:' .. contact.classId,
    rankedOf = function(profileId) return readyKey(contact.medium, contact.strategy, profileId) end,
    isExcluded = function(operatorId) return excluded[operatorId] end,
  },
  function(operatorId) return holds(operatorId, contact.contactId) end
)
if not found[1] then return nil end
offer.passedOver, offer.nextBest = passedOver, idsAfter(found, 1)
return reserve(contact, found[1].id, loadForMatch(found[1].id), offer)
