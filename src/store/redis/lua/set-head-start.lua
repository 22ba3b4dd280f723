-- Changes a waiting contact's priority.
-- Arguments: contactId, score, headStartMs. Result: "done", "notQueued".
local contact = loadContact(argument(1))
if not contact then return 'notQueued' end

contact.score, contact.headStartMs = argument(2), argument(3)
redis.call('HSET', contactKey(contact.contactId), 'score', contact.score, 'headStartMs', contact.headStartMs)
enterQueueSet(contact)
if not contact.offerId then stand(contact) end
publish('priorityChanged', contact, {
  queueId = contact.queueId, score = tonumber(contact.score), headStartMs = tonumber(contact.headStartMs),
})
return 'done'
