-- Takes, prolongs or ends a reader's turn: one consumer a name at a time.
-- Arguments: reader, token, milliseconds it lasts (0 ends it). Result: 1, or 0 when the turn is another's.
local key = prefix .. 'reader-turn:' .. argument(1)
local holder = redis.call('GET', key)
if holder and holder ~= argument(2) then return 0 end
if argument(3) == '0' then
  redis.call('DEL', key)
else
  redis.call('SET', key, argument(2), 'PX', argument(3))
  redis.call('HSETNX', prefix .. 'readers', argument(1), '0-0')
end
return 1
