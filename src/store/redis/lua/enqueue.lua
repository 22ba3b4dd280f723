-- Puts a contact into its queue and class, and looks for an operator. What is written for a contact already queued stays
-- as it is.
-- Arguments: contactId, queueId, lineId, medium, steps (JSON), score, enqueuedAtMs, shard, headStartMs, preferred
-- operatorId or "", preferredUntilMs or "", most contacts in the queue or "", "1" to refuse when nobody is logged in,
-- "callBack" or ""; to match: offerId, expiresAtMs, readers.
-- Result: { "queueFull" }, { "nobodyLoggedIn" }, { "unknownClass" } (define the classes first), or { "enqueued" or
-- "alreadyQueued", place from 0, the reservation's words ... }.
local contact = {
  contactId = argument(1), queueId = argument(2), lineId = argument(3), medium = argument(4), score = argument(6),
  enqueuedAtMs = argument(7), shard = argument(8), headStartMs = argument(9),
  kind = argument(14) ~= '' and argument(14) or nil,
}

local function queued(outcome)
  local offer = offerFrom(15)
  local reservation = offer and matchContact(contact.contactId, offer)
  local place = redis.call('ZRANK', prefix .. (contact.kind and 'call-backs:' or 'queue:') .. contact.queueId, contact.contactId)
  return withReservation({ outcome, place or '' }, reservation)
end

local known = redis.call('HMGET', contactKey(contact.contactId), 'queueId', 'kind')
if known[1] then
  contact.queueId, contact.kind = known[1], known[2]
  return queued('alreadyQueued')
end
local steps = cjson.decode(argument(5))
local someLoggedIn = false
for _, one in ipairs(steps) do
  if redis.call('HEXISTS', prefix .. 'classes', one.classId) == 0 then return { 'unknownClass' } end
  if argument(13) == '1' and qualifiedLoggedIn(one.classId) > 0 then someLoggedIn = true end
end
if argument(12) ~= '' and redis.call('ZCARD', prefix .. 'queue:' .. contact.queueId) >= tonumber(argument(12)) then
  return { 'queueFull' }
end
if argument(13) == '1' and not someLoggedIn then return { 'nobodyLoggedIn' } end

beginSteps(contact, steps)
redis.call(
  'HSET', contactKey(contact.contactId), 'queueId', contact.queueId, 'lineId', contact.lineId, 'medium', contact.medium,
  'classId', contact.classId, 'strategy', contact.strategy, 'score', contact.score,
  'enqueuedAtMs', contact.enqueuedAtMs, 'shard', contact.shard, 'headStartMs', contact.headStartMs
)
if contact.kind then redis.call('HSET', contactKey(contact.contactId), 'kind', contact.kind) end
if argument(10) ~= '' then
  contact.preferred, contact.preferredUntilMs = argument(10), argument(11)
  redis.call(
    'HSET', contactKey(contact.contactId), 'preferred', contact.preferred, 'preferredUntilMs', contact.preferredUntilMs
  )
end
enterQueueSet(contact)
stand(contact)
local facts = {
  queueId = contact.queueId, lineId = contact.lineId, medium = contact.medium, classId = contact.classId,
  score = tonumber(contact.score), enqueuedAtMs = tonumber(contact.enqueuedAtMs),
}
if contact.preferred then facts.preferred = contact.preferred end
if contact.kind then facts.contactKind = contact.kind end
publish('contactEnqueued', contact, facts)
if contact.steps or contact.preferred then
  -- A condition that only the caller can judge makes it due now.
  if examine(contact) then becomesDue('due:contacts', contact.contactId, ARGV[1]) end
end
return queued('enqueued')
