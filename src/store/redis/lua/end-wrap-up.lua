-- The operator is done with what comes after a contact, and gets the next one. The contact's owner is told when that is
-- before its time.
-- Arguments: operatorId, contactId, "1" to end it only when its time is over; to match: offerId, expiresAtMs, readers.
-- Result: { "notInWrapUp" }, { "notDue" } or { "idle", the reservation's words ... }.
local operatorId, contactId = argument(1), argument(2)
local hold = loadHold(operatorId, contactId)
if not hold or hold.state ~= 'wrapUp' then return { 'notInWrapUp' } end
local isEarly = hold.untilMs and tonumber(hold.untilMs) > nowMs
if isEarly and argument(3) == '1' then return { 'notDue' } end

becomeIdle(operatorId, contactId, hold)
if isEarly then
  tell(hold.shard, { type = 'wrapUpOver', contactId = contactId, operatorId = operatorId, atMs = nowMs })
end
publish('wrapUpOver', { contactId = contactId, operatorId = operatorId }, {})
local offer = offerFrom(4)
return withReservation({ 'idle' }, offer and matchOperator(operatorId, offer))
