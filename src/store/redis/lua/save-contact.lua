-- Saves or removes a live contact and appends its timeline to the event stream, if the lease is still the newest.
-- Arguments: shard, epoch, contactId, "save" or "finish", sealed state or "", then atMs, kind, facts (JSON) per entry.
-- Result: 1, or 0 when the lease is lost.
local shard, contactId = argument(1), argument(3)
if redis.call('HGET', prefix .. 'shard:' .. shard, 'epoch') ~= argument(2) then return 0 end

if argument(4) == 'save' then
  redis.call('HSET', prefix .. 'contacts:' .. shard, contactId, argument(5))
else
  redis.call('HDEL', prefix .. 'contacts:' .. shard, contactId)
end
for i = 9, #ARGV, 3 do
  redis.call(
    'XADD', prefix .. 'events', 'MAXLEN', '~', '1000000', '*',
    'event', 'contact ' .. contactId .. '  ' .. ARGV[i] .. ' ' .. ARGV[i + 1] .. ' ' .. ARGV[i + 2]
  )
end
return 1
