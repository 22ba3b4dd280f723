-- The offers that ring of which the reader was told by the result of a verb: he may never have got it.
-- Arguments: shard, reader's token, "1" when it begins to read (an older one is overtaken).
-- Result: { "taken" } when another reader has begun, or { "told", text of each offer ... }.
local readerKey, toldKey = prefix .. 'inbox-reader:' .. argument(1), prefix .. 'told:' .. argument(1)
-- A Redis that has lost everything knows of no reader: then this one still is the newest.
local newest = redis.call('GET', readerKey)
if argument(3) ~= '1' and newest and newest ~= argument(2) then return { 'taken' } end
redis.call('SET', readerKey, argument(2))

local result, told = { 'told' }, redis.call('HGETALL', toldKey)
for i = 1, #told, 2 do
  -- An offer that a program without this hash has ended is left in it.
  if redis.call('HGET', prefix .. 'offer:' .. told[i], 'state') == 'offered' then
    table.insert(result, told[i + 1])
  else
    redis.call('HDEL', toldKey, told[i])
  end
end
return result
