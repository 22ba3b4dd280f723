-- Adds an operator profile to the map of classes and profiles, as computed from the map at `version`.
-- Arguments: profileId, skills (JSON), version, classId of each class it can serve ...
-- Result: "defined", "known", "stale" (the map has changed: read it and compute again).
local profileId = argument(1)
if redis.call('HEXISTS', prefix .. 'profiles', profileId) == 1 then return 'known' end
if (redis.call('GET', prefix .. 'map-version') or '0') ~= argument(3) then return 'stale' end

redis.call('HSET', prefix .. 'profiles', profileId, argument(2))
for _, classId in ipairs(argumentsFrom(4)) do
  redis.call('SADD', prefix .. 'serves:' .. profileId, classId)
  redis.call('SADD', prefix .. 'served-by:' .. classId, profileId)
end
redis.call('INCR', prefix .. 'map-version')
return 'defined'
