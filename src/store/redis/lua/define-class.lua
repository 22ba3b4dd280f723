-- Adds a requirement class to the map of classes and profiles, as computed from the map at `version`. With the first
-- class of a strategy every operator is placed in its order: once in the life of a strategy, and the only look through
-- all operators.
-- Arguments: classId, class (JSON), version, strategy, profileId of each profile that can serve it ...
-- Result: "defined", "known", "stale" (the map has changed: read it and compute again).
local classId = argument(1)
if redis.call('HEXISTS', prefix .. 'classes', classId) == 1 then return 'known' end
if (redis.call('GET', prefix .. 'map-version') or '0') ~= argument(3) then return 'stale' end

redis.call('HSET', prefix .. 'classes', classId, argument(2))
for _, profileId in ipairs(argumentsFrom(5)) do
  redis.call('SADD', prefix .. 'served-by:' .. classId, profileId)
  redis.call('SADD', prefix .. 'serves:' .. profileId, classId)
  for _, duty in ipairs({ 'logged-in', 'on-duty' }) do
    local operators = redis.call('HGET', prefix .. 'profile-' .. duty, profileId)
    if operators then redis.call('HINCRBY', prefix .. 'class-' .. duty, classId, operators) end
  end
end
redis.call('INCR', prefix .. 'map-version')
if redis.call('SADD', prefix .. 'strategies', argument(4)) == 1 then
  for _, operatorId in ipairs(redis.call('SMEMBERS', prefix .. 'operators')) do placeOperator(operatorId) end
end
return 'defined'
