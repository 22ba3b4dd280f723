-- Signs an operator in, not ready yet, his contacts counted from here; nothing changes when he is signed in already.
-- Arguments: operatorId. Result: "done", "unknownOperator".
local operatorId = argument(1)
local operator = loadOperator(operatorId)
if not operator then return 'unknownOperator' end
if operator.signedIn == '1' then return 'done' end

redis.call('HSET', operatorKey(operatorId), 'signedIn', '1')
redis.call('HDEL', operatorKey(operatorId), 'contactsTaken', 'missedOffers')
setPresence(operatorId, operator.presence, 'notReady', 'signedIn')
publish('operatorSignedIn', { operatorId = operatorId }, {})
return 'done'
