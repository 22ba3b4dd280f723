-- Brings contacts that are due up to now, the oldest first. One with a condition that only the caller can judge stays
-- due until it is answered.
-- Arguments: how many at most.
-- Result: a flat list contactId, queueId, number of the step to judge or "", its condition (JSON) or "", ...
local looked = {}
for _, contactId in ipairs(redis.call(
  'ZRANGE', prefix .. 'due:contacts', '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, argument(1)
)) do
  local contact = loadContact(contactId)
  local question, condition = examine(contact)
  table.insert(looked, contactId)
  table.insert(looked, contact.queueId)
  table.insert(looked, question and tostring(question) or '')
  table.insert(looked, question and cjson.encode(condition) or '')
end
return looked
