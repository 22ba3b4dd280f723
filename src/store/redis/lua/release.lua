--# include: base events operators
-- The conversation is over.
-- Arguments: operatorId, contactId, "1" for wrap-up. Result: "released", "notHolding".
local operatorId, contactId, wrapUp = argument(1), argument(2), argument(3) == '1'
local hold = loadHold(operatorId, contactId)
if not hold or hold.state ~= 'connected' then return 'notHolding' end

redis.call('DEL', prefix .. 'offer:' .. hold.offerId)
if wrapUp then
  hold.state = 'wrapUp'
  saveHold(operatorId, contactId, hold)
else
  becomeIdle(operatorId, contactId, hold.medium)
end
publish('operatorReleased', { contactId = contactId, operatorId = operatorId }, { wrapUp = wrapUp })
return 'released'
