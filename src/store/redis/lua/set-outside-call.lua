-- Says whether the operator is in a call that did not come through a queue.
-- Arguments: operatorId, "1" or "0". Result: "done" (also when it was so), "unknownOperator".
local operatorId, busy = argument(1), argument(2)
local operator = loadOperator(operatorId)
if not operator then return 'unknownOperator' end
if (operator.outsideCall or '0') == busy then return 'done' end

redis.call('HSET', operatorKey(operatorId), 'outsideCall', busy)
-- Like a contact: he is at the end of the line of the idle.
if busy == '0' and operator.presence == 'ready' then
  redis.call('HSET', operatorKey(operatorId), 'readySinceMs', ARGV[1])
end
placeOperator(operatorId)
publish('outsideCallChanged', { operatorId = operatorId }, { busy = busy == '1' })
return 'done'
