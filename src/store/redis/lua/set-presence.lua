--# include: base events operators
-- Sets what the person says of himself.
-- Arguments: operatorId, presence, why (of notReady) or "". Result: "done", "unknownOperator", "notSignedIn".
local operatorId, presence, why = argument(1), argument(2), argument(3)
local operator = loadOperator(operatorId)
if not operator then return 'unknownOperator' end
if operator.signedIn ~= '1' then return 'notSignedIn' end

setPresence(operatorId, operator.presence, presence, why)
local facts = { presence = presence }
if presence == 'notReady' and why ~= '' then facts.why = why end
publish('presenceChanged', { operatorId = operatorId }, facts)
return 'done'
