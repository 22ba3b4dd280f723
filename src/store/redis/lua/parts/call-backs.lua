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
  if grownMs == 0 then return end
  sharing.availableMs = math.min(mostSaved * sharing.costMs, sharing.availableMs + grownMs)
  redis.call('HSET', key, 'availableMs', digits(sharing.availableMs), 'atMs', ARGV[1])
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

local function mayMeetCallBack(contact, operatorId)
  if holds(operatorId, contact.contactId) then return false end
  for _, excluded in ipairs(excludedOf(contact)) do
    if excluded == operatorId then return not exclusionsCount(contact) end
  end
  return true
end

-- The first call-back of a queue, in order, that this operator may have.
local function firstCallBack(queueId, operatorId, operator, medium)
  for _, contactId in ipairs(redis.call('ZRANGE', callBacksKey(queueId), 0, lookPast - 1)) do
    local contact = loadContact(contactId)
    if
      contact.medium == medium
      and redis.call('SISMEMBER', prefix .. 'served-by:' .. contact.classId, operator.profileId) == 1
      and mayMeetCallBack(contact, operatorId)
    then
      return contact
    end
  end
  return nil
end

-- The call-back that an operator should have now rather than a live contact, if any: of all queues the first by score.
local function callBackFor(operatorId, operator, now)
  local queueIds = redis.call('SMEMBERS', prefix .. 'call-back-queues')
  if #queueIds == 0 then return nil end
  local firsts = {}
  for _, queueId in ipairs(queueIds) do
    local contact = firstCallBack(queueId, operatorId, operator, now.medium)
    if contact then table.insert(firsts, contact) end
  end
  table.sort(firsts, function(a, b)
    local scoreA, scoreB = tonumber(a.score), tonumber(b.score)
    if scoreA ~= scoreB then return scoreA < scoreB end
    return a.contactId < b.contactId
  end)
  for _, contact in ipairs(firsts) do
    local trigger = sharingTrigger(contact, now.liveWaits)
    if trigger then return { contact = contact, trigger = trigger } end
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
