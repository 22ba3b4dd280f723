-- Removes delivered events, if the reader is still the newest of its shard.
-- Arguments: shard, reader's token, id of each event ... Result: 1, or 0 when another reader has begun.
if redis.call('GET', prefix .. 'inbox-reader:' .. argument(1)) ~= argument(2) then return 0 end
redis.call('XDEL', prefix .. 'inbox:' .. argument(1), unpack(argumentsFrom(3)))
return 1
