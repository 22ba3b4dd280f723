--# include: base
-- Adds a requirement class to the map of classes and profiles, as computed from the map at `version`.
-- Arguments: classId, class (JSON), version, profileId of each profile that can serve it ...
-- Result: "defined", "known", "stale" (the map has changed: read it and compute again).
local classId = argument(1)
if redis.call('HEXISTS', prefix .. 'classes', classId) == 1 then return 'known' end
if (redis.call('GET', prefix .. 'map-version') or '0') ~= argument(3) then return 'stale' end

redis.call('HSET', prefix .. 'classes', classId, argument(2))
for i = 8, #ARGV do
  redis.call('SADD', prefix .. 'served-by:' .. classId, ARGV[i])
  redis.call('SADD', prefix .. 'serves:' .. ARGV[i], classId)
end
redis.call('INCR', prefix .. 'map-version')
return 'defined'
