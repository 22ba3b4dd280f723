--# include: base events operators
-- The operator is done with what comes after a contact.
-- Arguments: operatorId, contactId. Result: "idle", "notInWrapUp".
local operatorId, contactId = argument(1), argument(2)
local hold = loadHold(operatorId, contactId)
if not hold or hold.state ~= 'wrapUp' then return 'notInWrapUp' end

becomeIdle(operatorId, contactId, hold.medium)
publish('wrapUpOver', { contactId = contactId, operatorId = operatorId }, {})
return 'idle'
