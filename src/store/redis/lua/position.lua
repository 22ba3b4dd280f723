-- Place of a contact within its queue: among those on the line, or among call-backs.
-- Arguments: contactId. Result: place from 0, or nil.
local contact = redis.call('HMGET', prefix .. 'contact:' .. argument(1), 'queueId', 'kind')
if not contact[1] then return nil end
return redis.call('ZRANK', prefix .. (contact[2] and 'call-backs:' or 'queue:') .. contact[1], argument(1))
