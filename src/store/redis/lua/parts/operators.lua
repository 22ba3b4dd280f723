local media = { 'voice', 'chat' }

local function operatorKey(operatorId)
  return prefix .. 'operator:' .. operatorId
end

local operatorFields = {
  'extension', 'profileId', 'signedIn', 'presence', 'reachable', 'setAsideUntilMs', 'outsideCall', 'notReadyNext',
  'capacity:voice', 'held:voice', 'capacity:chat', 'held:chat', 'duty', 'engaged', 'timeUse', 'timeUseSinceMs',
  'occupancy', 'weight', 'drawNumber',
  -- The facts of src/acd/ranking.ts.
  'readySinceMs', 'contactsTaken', 'skillTotal', 'lastOfferedMs', 'occupancyRank', 'drawRank',
}

local function loadOperator(operatorId)
  return fields(operatorKey(operatorId), operatorFields)
end

-- As much as a match needs to know.
local matchFields = {
  'extension', 'profileId', 'signedIn', 'presence', 'reachable', 'setAsideUntilMs', 'outsideCall', 'notReadyNext',
  'capacity:voice', 'held:voice', 'capacity:chat', 'held:chat', 'readySinceMs', 'drawRank',
}

local function loadForMatch(operatorId)
  return fields(operatorKey(operatorId), matchFields)
end

-- Contacts that wait for this operator before others may have them are looked at anew.
local function lookAtThoseWhoPrefer(operatorId)
  for _, medium in ipairs(media) do
    lookAgainAt(redis.call('ZRANGE', prefix .. 'preferring:' .. medium .. ':' .. operatorId, 0, -1))
  end
end

-- May be offered a contact of this medium now. A phone, and a call outside the queue, matter for voice only.
local function isAvailable(operator, medium)
  return operator.signedIn == '1'
    and operator.presence == 'ready'
    and not operator.setAsideUntilMs
    and not operator.notReadyNext
    and (medium ~= 'voice' or (operator.reachable == '1' and operator.outsideCall ~= '1'))
    and tonumber(operator['held:' .. medium] or '0') < tonumber(operator['capacity:' .. medium] or '0')
end

local function readyKey(medium, strategy, profileId)
  return prefix .. 'ready:' .. medium .. ':' .. strategy .. ':' .. profileId
end

-- Strategies that some class has: only for these are the ready kept in order.
local function strategiesInUse()
  memo.strategies = memo.strategies or redis.call('SMEMBERS', prefix .. 'strategies')
  return memo.strategies
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

-- Nobody is kept in its order any longer.
local function forgetStrategy(strategy)
  for _, medium in ipairs(media) do
    local heads = prefix .. 'profile-heads:' .. medium .. ':' .. strategy
    for _, profileId in ipairs(redis.call('ZRANGE', heads, 0, -1)) do
      redis.call('DEL', readyKey(medium, strategy, profileId))
    end
    redis.call('DEL', heads)
  end
  redis.call('SREM', prefix .. 'strategies', strategy)
  memo.strategies = nil
end

local function takeOutOfReady(operatorId, profileId, medium)
  for _, strategy in ipairs(strategiesInUse()) do
    if redis.call('ZREM', readyKey(medium, strategy, profileId), operatorId) == 1 then
      refreshProfileHead(medium, strategy, profileId)
    end
  end
end

local function takeOutOfAllReady(operatorId, profileId)
  for _, medium in ipairs(media) do takeOutOfReady(operatorId, profileId, medium) end
end

-- A draw of the strategy randomWeighted lasts until he is offered a contact; see drawRank in src/acd/ranking.ts.
local function draw(operatorId, operator)
  if operator.drawRank then return end
  local number = redis.call('HINCRBY', operatorKey(operatorId), 'drawNumber', 1)
  local digest = redis.sha1hex(operatorId .. ' ' .. number)
  local uniform = (tonumber(string.sub(digest, 1, 12), 16) + 1) / 281474976710656
  local floor = tonumber(redis.call('GET', prefix .. 'draw-floor') or '0')
  operator.drawRank = digits(floor + rounded(-math.log(uniform) * 1e6 / tonumber(operator.weight or '1')))
  redis.call('HSET', operatorKey(operatorId), 'drawRank', operator.drawRank)
end

local function operatorScore(operatorId, operator, strategy)
  if strategy == 'randomWeighted' then draw(operatorId, operator) end
  local score = 0
  for _, fact in ipairs(factNames) do
    local weight = weights[strategy][fact]
    if weight then score = score + weight * tonumber(operator[fact] or '0') end
  end
  return digits(score)
end

-- Puts the operator where he belongs after any change of his state.
local function placeOperator(operatorId)
  local operator = loadOperator(operatorId)
  settleTime(operatorId, operator)
  settleDuty(operatorId, operator)
  for _, medium in ipairs(media) do
    if isAvailable(operator, medium) then
      for _, strategy in ipairs(strategiesInUse()) do
        local score = operatorScore(operatorId, operator, strategy)
        redis.call('ZADD', readyKey(medium, strategy, operator.profileId), score, operatorId)
        refreshProfileHead(medium, strategy, operator.profileId)
      end
    elseif operator['capacity:' .. medium] ~= '0' then
      takeOutOfReady(operatorId, operator.profileId, medium)
    end
  end
end

-- Before one is drawn: who was passed over by an earlier draw that he was not part of draws anew.
local function renewDraws(medium)
  local below = '(' .. (redis.call('GET', prefix .. 'draw-floor') or '0')
  local heads = prefix .. 'profile-heads:' .. medium .. ':randomWeighted'
  for _, profileId in ipairs(redis.call('ZRANGEBYSCORE', heads, '-inf', below)) do
    local ready = readyKey(medium, 'randomWeighted', profileId)
    for _, operatorId in ipairs(redis.call('ZRANGEBYSCORE', ready, '-inf', below)) do
      redis.call('HDEL', operatorKey(operatorId), 'drawRank')
      placeOperator(operatorId)
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

-- The operator has other skills from now on; contacts find it out at once.
local function changeProfile(operatorId, operator, profile)
  takeOutOfAllReady(operatorId, operator.profileId)
  leaveDuty(operatorId, operator)
  redis.call('HINCRBY', prefix .. 'profile-sizes', profile.profileId, 1)
  leaveProfile(operator.profileId)
  redis.call(
    'HSET', operatorKey(operatorId),
    'skills', profile.skills, 'profileId', profile.profileId, 'skillTotal', profile.skillTotal
  )
  lookAtThoseWhoPrefer(operatorId)
end

-- He is set aside no longer; true when he was.
local function liftSetAside(operatorId)
  redis.call('ZREM', prefix .. 'due:set-asides', operatorId)
  return redis.call('HDEL', operatorKey(operatorId), 'setAsideUntilMs') == 1
end

local function setPresence(operatorId, before, presence, why)
  local key = operatorKey(operatorId)
  redis.call('HSET', key, 'presence', presence)
  redis.call('HDEL', key, 'notReadyNext')
  if presence ~= 'ready' then
    redis.call('HDEL', key, 'readySinceMs')
    lookAtThoseWhoPrefer(operatorId)
  else
    redis.call('HDEL', key, 'missedOffers')
    local lifted = liftSetAside(operatorId)
    if before ~= 'ready' or lifted then redis.call('HSET', key, 'readySinceMs', ARGV[1]) end
    if lifted then publish('setAsideEnded', { operatorId = operatorId }, { lifted = true }) end
  end
  if presence == 'notReady' and why ~= '' then
    redis.call('HSET', key, 'notReadyReason', why)
  else
    redis.call('HDEL', key, 'notReadyReason')
  end
  placeOperator(operatorId)
  local facts = { presence = presence }
  if presence == 'notReady' and why ~= '' then facts.why = why end
  return facts
end
