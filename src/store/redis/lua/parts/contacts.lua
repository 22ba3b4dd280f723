local function contactKey(contactId)
  return prefix .. 'contact:' .. contactId
end

local contactFields = {
  'queueId', 'lineId', 'classId', 'strategy', 'medium', 'score', 'enqueuedAtMs', 'shard', 'offerId', 'headStartMs',
  'step', 'steps', 'excluded', 'preferred', 'preferredUntilMs', 'kind',
}

local function loadContact(contactId)
  local contact = fields(contactKey(contactId), contactFields)
  if contact then contact.contactId = contactId end
  return contact
end

local function waitingKey(medium, classId)
  return prefix .. 'waiting:' .. medium .. ':' .. classId
end

local function preferringKey(contact)
  return prefix .. 'preferring:' .. contact.medium .. ':' .. contact.preferred
end

-- The set of classes in which somebody stands carries the score of each class's first.
local function refreshClassHead(contact)
  local heads = prefix .. 'class-heads:' .. contact.medium
  local first = redis.call('ZRANGE', waitingKey(contact.medium, contact.classId), 0, 0, 'WITHSCORES')
  if first[1] then
    redis.call('ZADD', heads, first[2], contact.classId)
  else
    redis.call('ZREM', heads, contact.classId)
  end
end

-- Call-backs of a queue that may be matched, by the place they earned.
local function callBacksKey(queueId)
  return prefix .. 'call-backs:' .. queueId
end

local function callBackStands(contact)
  redis.call('ZADD', callBacksKey(contact.queueId), contact.score, contact.contactId)
  redis.call('SADD', prefix .. 'call-back-queues', contact.queueId)
end

local function callBackStopsStanding(contact)
  local key = callBacksKey(contact.queueId)
  redis.call('ZREM', key, contact.contactId)
  if redis.call('EXISTS', key) == 0 then redis.call('SREM', prefix .. 'call-back-queues', contact.queueId) end
end

-- The contact may be matched (again), at its place: in its class, at first for one operator only, or among call-backs.
local function stand(contact)
  if contact.offerId then
    redis.call('HDEL', contactKey(contact.contactId), 'offerId')
    contact.offerId = nil
  end
  if contact.kind then
    callBackStands(contact)
  elseif contact.preferred then
    redis.call('ZADD', preferringKey(contact), contact.score, contact.contactId)
  else
    redis.call('ZADD', waitingKey(contact.medium, contact.classId), contact.score, contact.contactId)
    refreshClassHead(contact)
  end
end

local function stopStanding(contact)
  if contact.kind then
    callBackStopsStanding(contact)
  elseif contact.preferred then
    redis.call('ZREM', preferringKey(contact), contact.contactId)
  elseif redis.call('ZREM', waitingKey(contact.medium, contact.classId), contact.contactId) == 1 then
    refreshClassHead(contact)
  end
end

local function excludedOf(contact)
  local excluded = {}
  for operatorId in string.gmatch(contact.excluded or '', '%S+') do table.insert(excluded, operatorId) end
  return excluded
end

local function leaveQueueSet(contact)
  if contact.kind then return end
  local queue = prefix .. 'queue:' .. contact.queueId
  redis.call('ZREM', queue, contact.contactId)
  if redis.call('EXISTS', queue) == 0 then redis.call('SREM', prefix .. 'queues', contact.queueId) end
end

-- The place told to callers is one among those on the line.
local function enterQueueSet(contact)
  if contact.kind then return end
  redis.call('ZADD', prefix .. 'queue:' .. contact.queueId, contact.score, contact.contactId)
  redis.call('SADD', prefix .. 'queues', contact.queueId)
end

local function forgetExclusions(contact)
  if not contact.excluded then return end
  for _, operatorId in ipairs(excludedOf(contact)) do
    redis.call('SREM', prefix .. 'excluded-from:' .. operatorId, contact.contactId)
  end
  redis.call('SREM', prefix .. 'with-exclusions', contact.contactId)
end

local function leaveQueue(contact)
  stopStanding(contact)
  redis.call('DEL', contactKey(contact.contactId))
  leaveQueueSet(contact)
  forgetExclusions(contact)
  redis.call('ZREM', prefix .. 'due:contacts', contact.contactId)
  if contact.steps then redis.call('SREM', prefix .. 'skippable:' .. contact.classId, contact.contactId) end
end

-- This operator is not offered this contact again while others can serve it.
local function exclude(contact, operatorId)
  for _, known in ipairs(excludedOf(contact)) do
    if known == operatorId then return end
  end
  contact.excluded = contact.excluded and (contact.excluded .. ' ' .. operatorId) or operatorId
  redis.call('HSET', contactKey(contact.contactId), 'excluded', contact.excluded)
  redis.call('SADD', prefix .. 'excluded-from:' .. operatorId, contact.contactId)
  redis.call('SADD', prefix .. 'with-exclusions', contact.contactId)
end

-- Whether anybody on duty who is not excluded can serve the contact: if not, exclusions do not count.
local function exclusionsCount(contact)
  local able = tonumber(redis.call('HGET', prefix .. 'class-on-duty', contact.classId) or '0')
  for _, operatorId in ipairs(excludedOf(contact)) do
    local operator = redis.call('HMGET', operatorKey(operatorId), 'duty', 'profileId')
    if
      operator[1] == '2'
      and redis.call('SISMEMBER', prefix .. 'served-by:' .. contact.classId, operator[2]) == 1
    then
      able = able - 1
    end
  end
  return able > 0
end
