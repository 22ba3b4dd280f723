-- Counts the contacts on the line before one that its operators will be given: the twin of `contactsAhead()` in
-- src/acd/estimate.ts. Those being rung have their operator, and are not counted.
-- Arguments: contactId. Result: the number as text, of a call-back its place from 0; nil when it is not queued.
local contact = loadContact(argument(1))
if not contact then return nil end
if contact.kind then return redis.call('ZRANK', callBacksKey(contact.queueId), contact.contactId) end

local before = '(' .. contact.score
local classIds = redis.call('ZRANGEBYSCORE', prefix .. 'class-heads:' .. contact.medium, '-inf', before)
if #classIds == 0 then return '0' end
local onDuty, isOurs = {}, {}
local counts = redis.call('HGETALL', prefix .. 'profile-on-duty')
for i = 1, #counts, 2 do onDuty[counts[i]] = tonumber(counts[i + 1]) end
for _, profileId in ipairs(redis.call('SMEMBERS', prefix .. 'served-by:' .. contact.classId)) do isOurs[profileId] = true end
local ahead = 0
for _, classId in ipairs(classIds) do
  local eligible, shared = 0, 0
  for _, profileId in ipairs(redis.call('SMEMBERS', prefix .. 'served-by:' .. classId)) do
    local operators = onDuty[profileId] or 0
    eligible = eligible + operators
    if isOurs[profileId] then shared = shared + operators end
  end
  if eligible > 0 then
    local contacts = redis.call('ZCOUNT', waitingKey(contact.medium, classId), '-inf', before)
    ahead = ahead + contacts * shared / eligible
  end
end
return digits(ahead)
