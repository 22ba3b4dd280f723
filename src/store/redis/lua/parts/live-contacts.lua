-- Saves or removes a live contact and appends its timeline to the event stream, if the lease is still the newest. In ARGV
-- from `first` to `last`: shard, epoch, contactId, "save" or "finish", sealed state or "", then atMs, kind, facts (JSON)
-- per entry. Returns false, with nothing done, when the lease is lost.
local function saveContact(first, last)
  local shard, contactId = ARGV[first], ARGV[first + 2]
  if redis.call('HGET', prefix .. 'shard:' .. shard, 'epoch') ~= ARGV[first + 1] then return false end

  if ARGV[first + 3] == 'save' then
    redis.call('HSET', prefix .. 'contacts:' .. shard, contactId, ARGV[first + 4])
  else
    redis.call('HDEL', prefix .. 'contacts:' .. shard, contactId)
  end
  for i = first + 5, last, 3 do
    redis.call(
      'XADD', prefix .. 'events', 'MAXLEN', '~', '1000000', '*',
      'event', 'contact ' .. contactId .. '  ' .. ARGV[i] .. ' ' .. ARGV[i + 1] .. ' ' .. ARGV[i + 2]
    )
  end
  return true
end
