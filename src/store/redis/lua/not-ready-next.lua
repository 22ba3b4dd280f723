-- The operator is not ready as soon as he holds nothing any more, and is offered nothing new until then.
-- Arguments: operatorId, why. Result: "done", "unknownOperator", "notSignedIn".
local operatorId, why = argument(1), argument(2)
local operator = loadOperator(operatorId)
if not operator then return 'unknownOperator' end
if operator.signedIn ~= '1' then return 'notSignedIn' end
if operator.presence ~= 'ready' then return 'done' end

redis.call('HSET', operatorKey(operatorId), 'notReadyNext', why)
publish('notReadyAsked', { operatorId = operatorId }, { why = why })
afterHold(operatorId)
return 'done'
