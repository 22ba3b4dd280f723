--# include: base events contacts
-- Puts a contact into its queue and class. What is written for a contact already queued stays as it is.
-- Arguments: contactId, queueId, lineId, medium, classId, strategy, score, enqueuedAtMs, shard.
-- Result: "enqueued", "alreadyQueued"; "unknownClass": define the class first.
local contact = {
  contactId = argument(1), queueId = argument(2), lineId = argument(3), medium = argument(4), classId = argument(5),
  strategy = argument(6), score = argument(7), enqueuedAtMs = argument(8), shard = argument(9),
}
if redis.call('EXISTS', contactKey(contact.contactId)) == 1 then return 'alreadyQueued' end
if redis.call('HEXISTS', prefix .. 'classes', contact.classId) == 0 then return 'unknownClass' end

redis.call(
  'HSET', contactKey(contact.contactId), 'queueId', contact.queueId, 'lineId', contact.lineId, 'medium', contact.medium,
  'classId', contact.classId, 'strategy', contact.strategy, 'score', contact.score,
  'enqueuedAtMs', contact.enqueuedAtMs, 'shard', contact.shard
)
redis.call('ZADD', prefix .. 'queue:' .. contact.queueId, contact.score, contact.contactId)
redis.call('SADD', prefix .. 'queues', contact.queueId)
stand(contact)
publish('contactEnqueued', contact, {
  queueId = contact.queueId, lineId = contact.lineId, medium = contact.medium, classId = contact.classId,
  score = tonumber(contact.score), enqueuedAtMs = tonumber(contact.enqueuedAtMs),
})
return 'enqueued'
