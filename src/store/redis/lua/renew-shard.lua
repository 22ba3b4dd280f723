-- Prolongs a lease that nobody else has taken.
-- Arguments: shard, epoch, expiresAtMs. Result: 1, or 0 when another epoch has begun.
local key = prefix .. 'shard:' .. argument(1)
if redis.call('HGET', key, 'epoch') ~= argument(2) then return 0 end
redis.call('HSET', key, 'expiresAtMs', argument(3))
return 1
