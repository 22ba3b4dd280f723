-- What an operator holds: contact -> "state medium offerId shard queueId sinceMs untilMs"; the last two from the answer
-- and from the beginning of wrap-up on.
local holdNames = { 'state', 'medium', 'offerId', 'shard', 'queueId', 'sinceMs', 'untilMs' }

local function loadHold(operatorId, contactId)
  local written = redis.call('HGET', prefix .. 'holds:' .. operatorId, contactId)
  if not written then return nil end
  local hold, i = {}, 1
  for word in string.gmatch(written, '%S+') do
    hold[holdNames[i]] = word
    i = i + 1
  end
  return hold
end

local function saveHold(operatorId, contactId, hold)
  local words = {}
  for i, name in ipairs(holdNames) do words[i] = hold[name] end
  redis.call('HSET', prefix .. 'holds:' .. operatorId, contactId, table.concat(words, ' '))
end

local function holds(operatorId, contactId)
  return redis.call('HEXISTS', prefix .. 'holds:' .. operatorId, contactId) == 1
end

local function dropHold(operatorId, contactId, hold)
  redis.call('HDEL', prefix .. 'holds:' .. operatorId, contactId)
  redis.call('HINCRBY', operatorKey(operatorId), 'held:' .. hold.medium, -1)
  if hold.state ~= 'offered' then redis.call('HINCRBY', operatorKey(operatorId), 'engaged', -1) end
end

-- He has one contact less: to his place, or to the break he has asked for when it was the last.
local function afterHold(operatorId)
  local why = redis.call('HGET', operatorKey(operatorId), 'notReadyNext')
  if why and redis.call('EXISTS', prefix .. 'holds:' .. operatorId) == 0 then
    publish('presenceChanged', { operatorId = operatorId }, setPresence(operatorId, 'ready', 'notReady', why))
  else
    placeOperator(operatorId)
  end
end

-- How much a new value counts in a running mean: the last twenty or so.
local freshShare = 0.05
local function keepMean(figure, queueId, value)
  local key, field = prefix .. 'figures', figure .. ' ' .. queueId
  local mean = tonumber(redis.call('HGET', key, field) or value)
  redis.call('HSET', key, field, digits(rounded((mean + freshShare * (value - mean)) * 1e6) / 1e6))
end

-- The contact is over for the operator: he is at the end of the line of the idle.
local function becomeIdle(operatorId, contactId, hold)
  dropHold(operatorId, contactId, hold)
  redis.call('ZREM', prefix .. 'due:wrap-ups', operatorId .. ' ' .. contactId)
  if hold.sinceMs then keepMean('handlingMs', hold.queueId, nowMs - tonumber(hold.sinceMs)) end
  if redis.call('HGET', operatorKey(operatorId), 'presence') == 'ready' then
    redis.call('HSET', operatorKey(operatorId), 'readySinceMs', ARGV[1])
  end
  afterHold(operatorId)
end
