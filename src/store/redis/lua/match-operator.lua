--# include: base events operators contacts offers
-- Reserves the contact that this operator should have next, voice before chat.
-- Arguments: operatorId, offerId, expiresAtMs. Result: { contactId, offerId, operatorId } or nil.
local operatorId = argument(1)
local operator = loadOperator(operatorId)
if not operator then return nil end

for _, medium in ipairs(media) do
  if isAvailable(operator, medium) then
    local classId, passedOver = firstFitting(prefix .. 'class-heads:' .. medium, prefix .. 'serves:' .. operator.profileId)
    if classId then
      local contactId = redis.call('ZRANGE', waitingKey({ medium = medium, classId = classId }), 0, 0)[1]
      return reserve(loadContact(contactId), operatorId, {
        offerId = argument(2), expiresAtMs = argument(3), trigger = 'operator', passedOver = passedOver,
      })
    end
  end
end
return nil
