-- Takes a waiting contact to another queue; it keeps the moment it began to wait. A live offer is withdrawn.
-- Arguments: contactId, queueId, steps (JSON), score, headStartMs.
-- Result: { "notQueued" }, { "unknownClass" } (define the classes first), or { "moved", operatorId of the withdrawn
-- offer or "" }.
local contact = loadContact(argument(1))
if not contact then return { 'notQueued' } end
local steps = cjson.decode(argument(3))
for _, one in ipairs(steps) do
  if redis.call('HEXISTS', prefix .. 'classes', one.classId) == 0 then return { 'unknownClass' } end
end

local operatorId = ''
if contact.offerId then
  local offer = loadOffer(contact.offerId)
  operatorId = offer.operatorId
  withdrawOffer(offer, 'staffAction')
  contact = loadContact(contact.contactId)
end
stopStanding(contact)
leaveQueueSet(contact)
local from, key = contact.queueId, contactKey(contact.contactId)
if contact.steps then redis.call('SREM', prefix .. 'skippable:' .. contact.classId, contact.contactId) end
redis.call('HDEL', key, 'step', 'steps', 'preferred', 'preferredUntilMs')
contact.step, contact.steps, contact.preferred = nil, nil, nil
contact.queueId, contact.score, contact.headStartMs = argument(2), argument(4), argument(5)
beginSteps(contact, steps)
redis.call(
  'HSET', key, 'queueId', contact.queueId, 'score', contact.score, 'headStartMs', contact.headStartMs,
  'classId', contact.classId, 'strategy', contact.strategy
)
enterQueueSet(contact)
stand(contact)
tell(contact.shard, { type = 'contactMoved', contactId = contact.contactId, queueId = contact.queueId, atMs = nowMs })
publish('contactMoved', contact, {
  from = from, queueId = contact.queueId, classId = contact.classId, score = tonumber(contact.score),
})
if examine(contact) then becomesDue('due:contacts', contact.contactId, ARGV[1]) end
return { 'moved', operatorId }
