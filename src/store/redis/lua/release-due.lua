-- Ends the set-asides that are due, the oldest first.
-- Arguments: how many at most. Result: operatorId ...
local released = redis.call(
  'ZRANGE', prefix .. 'due:set-asides', '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, argument(1)
)
for _, operatorId in ipairs(released) do
  liftSetAside(operatorId)
  placeOperator(operatorId)
  publish('setAsideEnded', { operatorId = operatorId }, {})
end
return released
