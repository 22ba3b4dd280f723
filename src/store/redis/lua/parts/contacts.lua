local function contactKey(contactId)
  return prefix .. 'contact:' .. contactId
end

local function loadContact(contactId)
  local contact = fields(contactKey(contactId), {
    'queueId', 'classId', 'strategy', 'medium', 'score', 'enqueuedAtMs', 'shard', 'offerId',
  })
  if contact then contact.contactId = contactId end
  return contact
end

local function waitingKey(contact)
  return prefix .. 'waiting:' .. contact.medium .. ':' .. contact.classId
end

-- The set of classes in which somebody stands carries the score of each class's first.
local function refreshClassHead(contact)
  local heads = prefix .. 'class-heads:' .. contact.medium
  local first = redis.call('ZRANGE', waitingKey(contact), 0, 0, 'WITHSCORES')
  if first[1] then
    redis.call('ZADD', heads, first[2], contact.classId)
  else
    redis.call('ZREM', heads, contact.classId)
  end
end

-- The contact may be matched (again), at its place.
local function stand(contact)
  redis.call('HDEL', contactKey(contact.contactId), 'offerId')
  redis.call('ZADD', waitingKey(contact), contact.score, contact.contactId)
  refreshClassHead(contact)
end

local function takeOutOfClass(contact)
  if redis.call('ZREM', waitingKey(contact), contact.contactId) == 1 then refreshClassHead(contact) end
end

local function leaveQueue(contact)
  takeOutOfClass(contact)
  redis.call('DEL', contactKey(contact.contactId))
  local queue = prefix .. 'queue:' .. contact.queueId
  redis.call('ZREM', queue, contact.contactId)
  if redis.call('EXISTS', queue) == 0 then redis.call('SREM', prefix .. 'queues', contact.queueId) end
end
