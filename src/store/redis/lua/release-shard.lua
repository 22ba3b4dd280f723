-- Lets go of a shard; its epoch stays, so that the next owner's is higher.
-- Arguments: shard, epoch. Result: 1, or 0 when another epoch has begun.
local key = prefix .. 'shard:' .. argument(1)
if redis.call('HGET', key, 'epoch') ~= argument(2) then return 0 end
redis.call('HSET', key, 'expiresAtMs', 0)
return 1
