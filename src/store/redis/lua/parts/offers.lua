local function loadOffer(offerId)
  local offer = fields(prefix .. 'offer:' .. offerId, { 'contactId', 'operatorId', 'state' })
  if offer then offer.offerId = offerId end
  return offer
end

-- Processes keep a timer each: they are told when something is due earlier than anything before.
local function becomesDue(due, member, atMs)
  redis.call('ZADD', due, atMs, member)
  if redis.call('ZRANGE', due, 0, 0)[1] == member then redis.call('PUBLISH', prefix .. 'due', atMs) end
end

-- The offer is over without an answer: the operator is free of it, the contact is the caller's to place.
local function dropOffer(offer, setAsideMs)
  redis.call('DEL', prefix .. 'offer:' .. offer.offerId)
  redis.call('ZREM', prefix .. 'due:offers', offer.offerId)
  local hold = loadHold(offer.operatorId, offer.contactId)
  dropHold(offer.operatorId, offer.contactId, hold.medium)
  if setAsideMs > 0 then
    local key = operatorKey(offer.operatorId)
    local untilMs = digits(nowMs + setAsideMs)
    redis.call('HSET', key, 'setAsideUntilMs', untilMs)
    -- Back at the end of the line: who misses offers must not be the first to be tried with the next caller.
    if redis.call('HGET', key, 'presence') == 'ready' then redis.call('HSET', key, 'readySinceMs', untilMs) end
    becomesDue(prefix .. 'due:set-asides', offer.operatorId, untilMs)
  end
  placeOperator(offer.operatorId)
end

-- Gives both back and tells the contact's owner.
local function withdrawOffer(offer, why)
  dropOffer(offer, 0)
  local contact = loadContact(offer.contactId)
  if contact then
    stand(contact)
    tell(contact.shard, {
      type = 'offerWithdrawn', contactId = offer.contactId, offerId = offer.offerId, reason = why, atMs = nowMs,
    })
  end
  publish('offerGivenBack', offer, { offerId = offer.offerId, failure = why })
end

-- How many heads one look takes in. Most matches end in the first; the next looks go on where it stopped, so that the
-- cost grows with the classes (or profiles) passed over as unfit and never with those who wait or are ready.
local lookWidth = 16
-- How far a look goes past the first of one class (or profile) when that pair must not meet. More in a row than the
-- contacts an operator can hold (20) cannot happen.
local lookPast = 21

-- Visits the members of `heads` that are in the set `fit`, best first, until `visit` returns a pair; also how many
-- heads were passed over.
local function firstPair(heads, fit, visit)
  local from = 0
  while true do
    local some = redis.call('ZRANGE', heads, from, from + lookWidth - 1)
    if #some == 0 then return nil end
    for i, isFit in ipairs(redis.call('SMISMEMBER', fit, unpack(some))) do
      local found = isFit == 1 and visit(some[i])
      if found then return found, from + i - 1 end
    end
    from = from + #some
  end
end

-- First member of `ranked` for which `mayMeet` holds. Who holds a contact is not offered it again.
local function firstWhoMayMeet(ranked, mayMeet)
  for _, member in ipairs(redis.call('ZRANGE', ranked, 0, lookPast - 1)) do
    if mayMeet(member) then return member end
  end
  return nil
end

local function holds(operatorId, contactId)
  return redis.call('HEXISTS', prefix .. 'holds:' .. operatorId, contactId) == 1
end

local function reserve(contact, operatorId, offer)
  local operator = loadOperator(operatorId)
  local why = {
    strategy = contact.strategy,
    classId = contact.classId,
    profileId = operator.profileId,
    trigger = offer.trigger,
    passedOver = offer.passedOver,
    waitedMs = nowMs - tonumber(contact.enqueuedAtMs),
    idleMs = nowMs - tonumber(operator.readySinceMs or ARGV[1]),
  }
  takeOutOfClass(contact)
  redis.call('HSET', contactKey(contact.contactId), 'offerId', offer.offerId)
  redis.call(
    'HSET', prefix .. 'offer:' .. offer.offerId,
    'contactId', contact.contactId, 'operatorId', operatorId, 'state', 'offered'
  )
  saveHold(operatorId, contact.contactId, { state = 'offered', medium = contact.medium, offerId = offer.offerId })
  redis.call('HINCRBY', operatorKey(operatorId), 'held:' .. contact.medium, 1)
  placeOperator(operatorId)
  becomesDue(prefix .. 'due:offers', offer.offerId, offer.expiresAtMs)
  tell(contact.shard, {
    type = 'offerMade', contactId = contact.contactId, offerId = offer.offerId, operatorId = operatorId,
    extension = operator.extension, expiresAtMs = tonumber(offer.expiresAtMs), atMs = nowMs, why = why,
  })
  local facts = { offerId = offer.offerId, queueId = contact.queueId, expiresAtMs = tonumber(offer.expiresAtMs) }
  for name, value in pairs(why) do facts[name] = value end
  publish('offerReserved', { contactId = contact.contactId, operatorId = operatorId }, facts)
  return { contact.contactId, offer.offerId, operatorId }
end
