--# include: base events operators contacts offers
-- Signs an operator out: presence loggedOff, live offers withdrawn, conversations go on.
-- Arguments: operatorId. Result: { "unknownOperator" } or { "done", contactId of each offer withdrawn ... }.
local operatorId = argument(1)
local operator = loadOperator(operatorId)
if not operator then return { 'unknownOperator' } end
local result = { 'done' }
if operator.signedIn ~= '1' then return result end

redis.call('HSET', operatorKey(operatorId), 'signedIn', '0')
setPresence(operatorId, operator.presence, 'loggedOff', '')
publish('operatorSignedOut', { operatorId = operatorId }, {})
for _, contactId in ipairs(redis.call('HKEYS', prefix .. 'holds:' .. operatorId)) do
  local hold = loadHold(operatorId, contactId)
  if hold.state == 'offered' then
    withdrawOffer(loadOffer(hold.offerId), 'operatorGone')
    table.insert(result, contactId)
  end
end
return result
