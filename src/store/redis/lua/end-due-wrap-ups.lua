-- Ends the wrap-ups whose time is over, the oldest first.
-- Arguments: how many at most. Result: operatorId ...
local ended = {}
for _, member in ipairs(redis.call(
  'ZRANGE', prefix .. 'due:wrap-ups', '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, argument(1)
)) do
  local operatorId, contactId = string.match(member, '^(%S+) (%S+)$')
  becomeIdle(operatorId, contactId, loadHold(operatorId, contactId))
  publish('wrapUpOver', { contactId = contactId, operatorId = operatorId }, {})
  table.insert(ended, operatorId)
end
return ended
