-- Who gets an operator, a live caller or a call-back: the rule of src/acd/sharing.ts. What it goes by stands in
-- `sharing:<queueId>`; a queue without it keeps nobody idle and has no reserved share.
local sharingFields = { 'keepIdle', 'presses', 'share', 'costMs', 'availableMs', 'atMs' }
-- At most so many saved up: mostSaved in src/acd/sharing.ts.
local mostSaved = 2

local function loadSharing(queueId)
  local sharing = fields(prefix .. 'sharing:' .. queueId, sharingFields)
  if not sharing then return nil end
  for _, field in ipairs({ 'keepIdle', 'share', 'costMs', 'availableMs', 'atMs' }) do
    sharing[field] = tonumber(sharing[field])
  end
  return sharing
end

-- The twin of reservedAfter in src/acd/sharing.ts.
local function settleReserved(queueId, sharing, classId)
  local key = prefix .. 'sharing:' .. queueId
  local onDuty = tonumber(redis.call('HGET', prefix .. 'class-on-duty', classId) or '0')
  local grownMs = rounded(math.max(0, nowMs - sharing.atMs) * sharing.share * onDuty)
  if grownMs == 0 and sharing.share * onDuty > 0 then return end
  sharing.availableMs = math.min(mostSaved * sharing.costMs, sharing.availableMs + grownMs)
  redis.call('HSET', key, 'availableMs', digits(sharing.availableMs), 'atMs', digits(math.max(nowMs, sharing.atMs)))
end

-- Whether at least `keepIdle` operators besides one could take a contact of this class at once.
local function enoughIdle(contact, keepIdle)
  if keepIdle <= 0 then return true end
  local heads = redis.call('ZRANGE', prefix .. 'profile-heads:' .. contact.medium .. ':' .. contact.strategy, 0, -1)
  local idle = -1
  for _, profileId in ipairs(heads) do
    if redis.call('SISMEMBER', prefix .. 'served-by:' .. contact.classId, profileId) == 1 then
      idle = idle + redis.call('ZCARD', readyKey(contact.medium, contact.strategy, profileId))
      if idle >= keepIdle then return true end
    end
  end
  return false
end

-- How this call-back may have an operator who is ready: 'spare', 'reservedShare', or nil. Spends the share.
local function sharingTrigger(contact, liveWaits)
  local sharing = loadSharing(contact.queueId)
  if not sharing then return not liveWaits and 'spare' or nil end
  settleReserved(contact.queueId, sharing, contact.classId)
  if not liveWaits and enoughIdle(contact, sharing.keepIdle) then return 'spare' end
  if sharing.presses ~= '1' or sharing.costMs <= 0 or sharing.availableMs < sharing.costMs then return nil end
  redis.call('HSET', prefix .. 'sharing:' .. contact.queueId, 'availableMs', digits(sharing.availableMs - sharing.costMs))
  return 'reservedShare'
end

-- The call-back that an operator should have now rather than a live contact, if any: of the first of each queue the one
-- that comes first. `look`: his (parts/looking.lua). Returns { contact, trigger, passedOver }, or nil.
local function callBackFor(look, now)
  local firsts = {}
  for _, queueId in ipairs(redis.call('SMEMBERS', prefix .. 'call-back-queues')) do
    local first, passedOver = bestContactFor(look, callBackHeadsKey(now.medium, queueId), function(classId)
      return waitingCallBacksKey(now.medium, classId, queueId)
    end)
    if first then table.insert(firsts, { id = first.id, score = first.score, passedOver = passedOver }) end
  end
  table.sort(firsts, function(a, b)
    if a.score ~= b.score then return a.score < b.score end
    return a.id < b.id
  end)
  for _, first in ipairs(firsts) do
    local contact = loadContact(first.id)
    local trigger = sharingTrigger(contact, now.liveWaits)
    if trigger then return { contact = contact, trigger = trigger, passedOver = first.passedOver } end
  end
  return nil
end

-- Whether anybody live stands whom this operator could take.
local function liveWaitsFor(operatorId, operator, medium)
  if redis.call('EXISTS', prefix .. 'preferring:' .. medium .. ':' .. operatorId) == 1 then return true end
  for _, classId in ipairs(redis.call('ZRANGE', prefix .. 'class-heads:' .. medium, 0, -1)) do
    if redis.call('SISMEMBER', prefix .. 'serves:' .. operator.profileId, classId) == 1 then return true end
  end
  return false
end

-- Reserves the best ready operator for the first call-back of a queue, in order, that somebody ready may have, by the rule
-- of sharing. `offer` as for `matchContact`. Returns what `reserve` does, or nil.
local function matchCallBack(queueId, offer)
  local lanes = {}
  for _, medium in ipairs(media) do
    local heads = redis.call('ZRANGE', callBackHeadsKey(medium, queueId), 0, -1, 'WITHSCORES')
    for i = 1, #heads, 2 do
      local ranked = waitingCallBacksKey(medium, heads[i], queueId)
      table.insert(lanes, { ranked = ranked, next = 0, score = tonumber(heads[i + 1]) })
    end
  end
  local lane = bestLane(lanes)
  while lane do
    local contact = loadContact(takeNext(lane))
    local found, passedOver = bestOperatorsFor(contact)
    if found[1] then
      local operatorId = found[1].id
      local operator = loadForMatch(operatorId)
      offer.trigger = sharingTrigger(contact, liveWaitsFor(operatorId, operator, contact.medium))
      if not offer.trigger then return nil end
      offer.passedOver, offer.nextBest, offer.drawn = passedOver, idsAfter(found, 1), true
      return reserve(contact, operatorId, operator, offer)
    end
    -- Nobody who is ready can serve the class: its others need not be looked at.
    if passedOver.excluded + passedOver.holding == 0 then lane.score = nil end
    lane = bestLane(lanes)
  end
  return nil
end
