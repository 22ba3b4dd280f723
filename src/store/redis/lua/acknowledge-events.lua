-- Moves a reader's cursor and trims the stream behind the slowest reader, but keeps what is younger than `historyMs`
-- (live views resume in it). Stream ids begin with Redis's own milliseconds, and so does the age.
-- Arguments: reader, token of its turn, id of the last event delivered, historyMs.
-- Result: 1, or 0 when the turn is another's.
if redis.call('GET', prefix .. 'reader-turn:' .. argument(1)) ~= argument(2) then return 0 end
redis.call('HSET', prefix .. 'readers', argument(1), argument(3))

local function parts(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
local slowest = argument(3)
for _, id in ipairs(redis.call('HVALS', prefix .. 'readers')) do
  local ms, seq = parts(id)
  local slowestMs, slowestSeq = parts(slowest)
  if ms < slowestMs or (ms == slowestMs and seq < slowestSeq) then slowest = id end
end
local historyFromMs = tonumber(redis.call('TIME')[1]) * 1000 - tonumber(argument(4))
if parts(slowest) > historyFromMs then slowest = digits(historyFromMs) .. '-0' end
redis.call('XTRIM', prefix .. 'events', 'MINID', '~', slowest)
return 1
