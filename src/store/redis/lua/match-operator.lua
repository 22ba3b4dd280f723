--# include: base events operators contacts offers
-- Reserves the contact that this operator should have next, voice before chat.
-- Arguments: operatorId, offerId, expiresAtMs. Result: { contactId, offerId, operatorId } or nil.
local operatorId = argument(1)
local operator = loadOperator(operatorId)
if not operator then return nil end

for _, medium in ipairs(media) do
  if isAvailable(operator, medium) then
    local heads, fit = prefix .. 'class-heads:' .. medium, prefix .. 'serves:' .. operator.profileId
    local contactId, passedOver = firstPair(heads, fit, function(classId)
      return firstWhoMayMeet(waitingKey({ medium = medium, classId = classId }), function(candidate)
        return not holds(operatorId, candidate)
      end)
    end)
    if contactId then
      return reserve(loadContact(contactId), operatorId, {
        offerId = argument(2), expiresAtMs = argument(3), trigger = 'operator', passedOver = passedOver,
      })
    end
  end
end
return nil
