-- Sets what the person says of himself. "ready" also ends a set-aside.
-- Arguments: operatorId, presence, why (of notReady) or "". Result: "done", "unknownOperator", "notSignedIn".
local operatorId, presence, why = argument(1), argument(2), argument(3)
local operator = loadOperator(operatorId)
if not operator then return 'unknownOperator' end
if operator.signedIn ~= '1' then return 'notSignedIn' end

publish('presenceChanged', { operatorId = operatorId }, setPresence(operatorId, operator.presence, presence, why))
return 'done'
