-- Forgets an operator who holds nothing.
-- Arguments: operatorId. Result: "removed", "busy", "unknownOperator".
local operatorId = argument(1)
local operator = loadOperator(operatorId)
if not operator then return 'unknownOperator' end
if redis.call('EXISTS', prefix .. 'holds:' .. operatorId) == 1 then return 'busy' end

takeOutOfAllReady(operatorId, operator.profileId)
leaveDuty(operatorId, operator)
lookAtThoseWhoPrefer(operatorId)
leaveProfile(operator.profileId)
redis.call('ZREM', prefix .. 'due:set-asides', operatorId)
redis.call('DEL', operatorKey(operatorId))
redis.call('SREM', prefix .. 'operators', operatorId)
publish('operatorRemoved', { operatorId = operatorId }, {})
return 'removed'
