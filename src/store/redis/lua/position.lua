-- Place of a contact within its queue.
-- Arguments: contactId. Result: place from 0, or nil.
local queueId = redis.call('HGET', prefix .. 'contact:' .. argument(1), 'queueId')
if not queueId then return nil end
return redis.call('ZRANK', prefix .. 'queue:' .. queueId, argument(1))
