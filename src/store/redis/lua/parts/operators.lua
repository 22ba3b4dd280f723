local media = { 'voice', 'chat' }
local strategies = cjson.decode(ARGV[2])

local function operatorKey(operatorId)
  return prefix .. 'operator:' .. operatorId
end

local function loadOperator(operatorId)
  return fields(operatorKey(operatorId), {
    'extension', 'profileId', 'signedIn', 'presence', 'reachable', 'readySinceMs', 'setAsideUntilMs', 'contactsTaken',
    'capacity:voice', 'held:voice', 'capacity:chat', 'held:chat',
  })
end

-- May be offered a contact of this medium now. A phone matters for voice only.
local function isAvailable(operator, medium)
  return operator.signedIn == '1'
    and operator.presence == 'ready'
    and not operator.setAsideUntilMs
    and (medium ~= 'voice' or operator.reachable == '1')
    and tonumber(operator['held:' .. medium] or '0') < tonumber(operator['capacity:' .. medium] or '0')
end

local function readyKey(medium, strategy, profileId)
  return prefix .. 'ready:' .. medium .. ':' .. strategy .. ':' .. profileId
end

-- The set of profiles that have somebody ready carries the score of each profile's best.
local function refreshProfileHead(medium, strategy, profileId)
  local heads = prefix .. 'profile-heads:' .. medium .. ':' .. strategy
  local best = redis.call('ZRANGE', readyKey(medium, strategy, profileId), 0, 0, 'WITHSCORES')
  if best[1] then
    redis.call('ZADD', heads, best[2], profileId)
  else
    redis.call('ZREM', heads, profileId)
  end
end

local function takeOutOfReady(operatorId, profileId, medium)
  for strategy in pairs(strategies) do
    if redis.call('ZREM', readyKey(medium, strategy, profileId), operatorId) == 1 then
      refreshProfileHead(medium, strategy, profileId)
    end
  end
end

local function takeOutOfAllReady(operatorId, profileId)
  for _, medium in ipairs(media) do takeOutOfReady(operatorId, profileId, medium) end
end

-- Puts the operator where he belongs after any change of his state.
local function placeOperator(operatorId)
  local operator = loadOperator(operatorId)
  for _, medium in ipairs(media) do
    if isAvailable(operator, medium) then
      for strategy, weights in pairs(strategies) do
        local score = 0
        for fact, weight in pairs(weights) do score = score + weight * tonumber(operator[fact] or '0') end
        redis.call('ZADD', readyKey(medium, strategy, operator.profileId), digits(score), operatorId)
        refreshProfileHead(medium, strategy, operator.profileId)
      end
    else
      takeOutOfReady(operatorId, operator.profileId, medium)
    end
  end
end

-- A profile nobody has is forgotten, with its place in the map of classes.
local function leaveProfile(profileId)
  if redis.call('HINCRBY', prefix .. 'profile-sizes', profileId, -1) > 0 then return end
  for _, classId in ipairs(redis.call('SMEMBERS', prefix .. 'serves:' .. profileId)) do
    redis.call('SREM', prefix .. 'served-by:' .. classId, profileId)
  end
  redis.call('DEL', prefix .. 'serves:' .. profileId)
  redis.call('HDEL', prefix .. 'profile-sizes', profileId)
  redis.call('HDEL', prefix .. 'profiles', profileId)
  redis.call('INCR', prefix .. 'map-version')
end

local function setPresence(operatorId, before, presence, why)
  local key = operatorKey(operatorId)
  redis.call('HSET', key, 'presence', presence)
  if presence ~= 'ready' then
    redis.call('HDEL', key, 'readySinceMs')
  elseif before ~= 'ready' then
    redis.call('HSET', key, 'readySinceMs', ARGV[1])
  end
  if presence == 'notReady' and why ~= '' then
    redis.call('HSET', key, 'notReadyReason', why)
  else
    redis.call('HDEL', key, 'notReadyReason')
  end
  placeOperator(operatorId)
end

-- What an operator holds: contact -> "state medium offerId".
local function loadHold(operatorId, contactId)
  local hold = redis.call('HGET', prefix .. 'holds:' .. operatorId, contactId)
  if not hold then return nil end
  local state, medium, offerId = string.match(hold, '^(%S+) (%S+) (%S+)$')
  return { state = state, medium = medium, offerId = offerId }
end

local function saveHold(operatorId, contactId, hold)
  redis.call(
    'HSET', prefix .. 'holds:' .. operatorId, contactId, hold.state .. ' ' .. hold.medium .. ' ' .. hold.offerId
  )
end

local function dropHold(operatorId, contactId, medium)
  redis.call('HDEL', prefix .. 'holds:' .. operatorId, contactId)
  redis.call('HINCRBY', operatorKey(operatorId), 'held:' .. medium, -1)
end

-- The contact is over for the operator: he is at the end of the line of the idle.
local function becomeIdle(operatorId, contactId, medium)
  dropHold(operatorId, contactId, medium)
  if redis.call('HGET', operatorKey(operatorId), 'presence') == 'ready' then
    redis.call('HSET', operatorKey(operatorId), 'readySinceMs', ARGV[1])
  end
  placeOperator(operatorId)
end
