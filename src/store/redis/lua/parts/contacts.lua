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

-- Every call-back of a queue, those with a live offer included, by the place it earned.
local function callBacksKey(queueId)
  return prefix .. 'call-backs:' .. queueId
end

local function waitingCallBacksKey(medium, classId, queueId)
  return prefix .. 'waiting-call-backs:' .. medium .. ':' .. classId .. ':' .. queueId
end

local function callBackHeadsKey(medium, queueId)
  return prefix .. 'call-back-heads:' .. medium .. ':' .. queueId
end

-- The keys of those of the contact's class who may be matched, and of the heads of such classes. Call-backs stand apart,
-- queue by queue: the rule of sharing is a queue's.
local function standsIn(contact)
  local medium, classId, queueId = contact.medium, contact.classId, contact.queueId
  if contact.kind then return waitingCallBacksKey(medium, classId, queueId), callBackHeadsKey(medium, queueId) end
  return waitingKey(medium, classId), prefix .. 'class-heads:' .. medium
end

-- The set of classes in which somebody stands carries the score of each class's first.
local function refreshClassHead(contact)
  local standing, heads = standsIn(contact)
  local first = redis.call('ZRANGE', standing, 0, 0, 'WITHSCORES')
  if first[1] then
    redis.call('ZADD', heads, first[2], contact.classId)
  else
    redis.call('ZREM', heads, contact.classId)
  end
end

-- The contact may be matched (again), at its place: in its class, or at first for one operator only.
local function stand(contact)
  if contact.offerId then
    redis.call('HDEL', contactKey(contact.contactId), 'offerId')
    contact.offerId = nil
  end
  if contact.preferred and not contact.kind then
    redis.call('ZADD', preferringKey(contact), contact.score, contact.contactId)
  else
    redis.call('ZADD', standsIn(contact), contact.score, contact.contactId)
    refreshClassHead(contact)
  end
end

local function stopStanding(contact)
  if contact.preferred and not contact.kind then
    redis.call('ZREM', preferringKey(contact), contact.contactId)
  elseif redis.call('ZREM', standsIn(contact), contact.contactId) == 1 then
    refreshClassHead(contact)
  end
end

local function excludedOf(contact)
  local excluded = {}
  for operatorId in string.gmatch(contact.excluded or '', '%S+') do table.insert(excluded, operatorId) end
  return excluded
end

-- The keys of everybody in the contact's queue, and of the queues in which somebody is. The place told to callers is one
-- among those on the line, that of a call-back one among call-backs.
local function placedIn(contact)
  if contact.kind then return callBacksKey(contact.queueId), prefix .. 'call-back-queues' end
  return prefix .. 'queue:' .. contact.queueId, prefix .. 'queues'
end

local function leaveQueueSet(contact)
  local queue, queues = placedIn(contact)
  redis.call('ZREM', queue, contact.contactId)
  if redis.call('EXISTS', queue) == 0 then redis.call('SREM', queues, contact.queueId) end
end

local function enterQueueSet(contact)
  local queue, queues = placedIn(contact)
  redis.call('ZADD', queue, contact.score, contact.contactId)
  redis.call('SADD', queues, contact.queueId)
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
