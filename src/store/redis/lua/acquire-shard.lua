-- Takes a shard that is free, whose lease has run out, or that the same node holds (a restart of it).
-- Arguments: shard, nodeId, expiresAtMs. Result: the new epoch, or nil when somebody else holds it.
local key = prefix .. 'shard:' .. argument(1)
local holder = fields(key, { 'nodeId', 'epoch', 'expiresAtMs' })
if holder and holder.nodeId ~= argument(2) and tonumber(holder.expiresAtMs) > nowMs then return nil end

redis.call('SADD', prefix .. 'shards', argument(1))
redis.call('HSET', key, 'nodeId', argument(2), 'expiresAtMs', argument(3))
return redis.call('HINCRBY', key, 'epoch', 1)
