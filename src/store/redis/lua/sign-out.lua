-- Signs an operator out: presence loggedOff, live offers withdrawn, conversations go on.
-- Arguments: operatorId. Result: { "unknownOperator" } or { "done", contactId of each offer withdrawn ... }.
local operatorId = argument(1)
local operator = loadOperator(operatorId)
if not operator then return { 'unknownOperator' } end
if operator.signedIn ~= '1' then return { 'done' } end

redis.call('HSET', operatorKey(operatorId), 'signedIn', '0')
setPresence(operatorId, operator.presence, 'loggedOff', '')
publish('operatorSignedOut', { operatorId = operatorId }, {})
return { 'done', unpack(withdrawOffersOf(operatorId, 'operatorGone')) }
