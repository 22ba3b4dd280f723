-- Brings an alarm from where it stands to where it is to stand, and tells it on the event stream.
-- Arguments: alarmId, as it stands ("" when nothing is known of it), as it is to stand, kind and facts (JSON) of the event.
-- Result: "changed", or "unchanged" when it stands elsewhere: another process was first.
local stands = redis.call('HGET', prefix .. 'alarms', argument(1)) or ''
if stands ~= argument(2) then return 'unchanged' end
redis.call('HSET', prefix .. 'alarms', argument(1), argument(3))
redis.call(
  'XADD', prefix .. 'events', 'MAXLEN', '~', '1000000', '*',
  'event', 'system   ' .. ARGV[1] .. ' ' .. argument(4) .. ' ' .. argument(5)
)
return 'changed'
