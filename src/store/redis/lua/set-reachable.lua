-- Says whether any device of the operator is registered.
-- Arguments: operatorId, "1" or "0". Result: "done" (also when it was so), "unknownOperator".
local operatorId, reachable = argument(1), argument(2)
local operator = loadOperator(operatorId)
if not operator then return 'unknownOperator' end
if operator.reachable == reachable then return 'done' end

redis.call('HSET', operatorKey(operatorId), 'reachable', reachable)
placeOperator(operatorId)
publish('reachabilityChanged', { operatorId = operatorId }, { reachable = reachable == '1' })
return 'done'
