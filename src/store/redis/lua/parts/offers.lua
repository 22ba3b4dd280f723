local function loadOffer(offerId)
  local offer = fields(prefix .. 'offer:' .. offerId, { 'contactId', 'operatorId', 'state' })
  if offer then offer.offerId = offerId end
  return offer
end

-- The offer is over without an answer: the operator is free of it, the contact is the caller's to place.
local function dropOffer(offer, setAsideMs)
  redis.call('DEL', prefix .. 'offer:' .. offer.offerId)
  redis.call('ZREM', prefix .. 'due:offers', offer.offerId)
  dropHold(offer.operatorId, offer.contactId, loadHold(offer.operatorId, offer.contactId))
  if setAsideMs > 0 then
    local key = operatorKey(offer.operatorId)
    local untilMs = digits(nowMs + setAsideMs)
    redis.call('HSET', key, 'setAsideUntilMs', untilMs)
    -- Back at the end of the line: who misses offers must not be the first to be tried with the next caller.
    if redis.call('HGET', key, 'presence') == 'ready' then redis.call('HSET', key, 'readySinceMs', untilMs) end
    becomesDue('due:set-asides', offer.operatorId, untilMs)
  end
  afterHold(offer.operatorId)
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

-- Withdraws every live offer of an operator. Returns the contacts, which are to be matched again.
local function withdrawOffersOf(operatorId, why)
  local givenBack = {}
  for _, contactId in ipairs(redis.call('HKEYS', prefix .. 'holds:' .. operatorId)) do
    local hold = loadHold(operatorId, contactId)
    if hold.state == 'offered' then
      withdrawOffer(loadOffer(hold.offerId), why)
      table.insert(givenBack, contactId)
    end
  end
  return givenBack
end

-- How many heads one look takes in. Most matches end in the first; the next looks go on where it stopped, so that the
-- cost grows with the classes (or profiles) passed over as unfit and never with those who wait or are ready.
local lookWidth = 16
-- How far a look goes past the first of one class (or profile) when that pair must not meet. Exclusions in a row are
-- bounded by the missed offers after which an operator is set not ready, far below this.
local lookPast = 64

-- The best members of the lanes (sets in order), best first, up to look.most in all. A lane's score is that of its next
-- member; of equal ones the first lane's comes first.
local function takeBest(found, lanes, look)
  while #found < look.most do
    local best
    for _, lane in ipairs(lanes) do
      if lane.score and (not best or lane.score < best.score) then best = lane end
    end
    if not best then return end
    local two = redis.call('ZRANGE', best.ranked, best.next, best.next + 1, 'WITHSCORES')
    if two[1] and look.mayMeet(two[1]) then table.insert(found, { id = two[1], score = best.score }) end
    best.next = best.next + 1
    best.score = best.next < lookPast and two[4] and tonumber(two[4]) or nil
  end
end

-- Looks through the members of `heads` that are in the set look.fit, best first. Returns the best pair's member and the
-- next best after it, and how many heads before the best were unfit.
local function bestMembers(heads, look)
  local found, unfit, from = {}, 0, 0
  repeat
    local some = redis.call('ZRANGE', heads, from, from + lookWidth - 1, 'WITHSCORES')
    if #some == 0 then break end
    local ids, lanes = {}, {}
    for i = 1, #some, 2 do table.insert(ids, some[i]) end
    for i, isFit in ipairs(redis.call('SMISMEMBER', look.fit, unpack(ids))) do
      if isFit == 1 then
        table.insert(lanes, { ranked = look.rankedOf(ids[i]), next = 0, score = tonumber(some[2 * i]) })
      elseif #lanes == 0 then
        unfit = unfit + 1
      end
    end
    takeBest(found, lanes, look)
    from = from + #ids
  until #found > 0
  return found, unfit
end

-- The best member that is not held already: who holds a contact is not offered it again. That is rare (a contact queued
-- again while its last operator wraps up), so it is asked for the best only, and otherwise all over again.
local function bestNotHeld(heads, look, isHeld)
  local passedOver = { unfit = 0, excluded = 0, holding = 0 }
  look.mayMeet = function(id)
    if not look.isExcluded(id) then return true end
    passedOver.excluded = passedOver.excluded + 1
    return false
  end
  local found
  found, passedOver.unfit = bestMembers(heads, look)
  if not found[1] or not isHeld(found[1].id) then return found, passedOver end
  local mayMeet = look.mayMeet
  passedOver.excluded = 0
  look.mayMeet = function(id)
    if not isHeld(id) then return mayMeet(id) end
    passedOver.holding = passedOver.holding + 1
    return false
  end
  found, passedOver.unfit = bestMembers(heads, look)
  return found, passedOver
end

local function idsAfter(found, n)
  local ids = {}
  for i = n + 1, #found do table.insert(ids, found[i].id) end
  return ids
end

local function passedOverList(passedOver)
  local list = {}
  for _, reason in ipairs({ 'unfit', 'excluded', 'holding' }) do
    if passedOver[reason] > 0 then table.insert(list, reason .. ' ' .. passedOver[reason]) end
  end
  return list
end

local otherMedium = { voice = 'chat', chat = 'voice' }

-- Why this pair, with what else the move's event says.
local function whyOf(contact, operator, offer)
  local why = {
    offerId = offer.offerId,
    queueId = contact.queueId,
    expiresAtMs = tonumber(offer.expiresAtMs),
    strategy = contact.strategy,
    classId = contact.classId,
    profileId = operator.profileId,
    trigger = offer.trigger,
    passedOver = offer.passedOver.unfit,
    waitedMs = nowMs - tonumber(contact.enqueuedAtMs),
    idleMs = nowMs - tonumber(operator.readySinceMs or ARGV[1]),
  }
  -- Left out when empty: to cjson an empty list is an object.
  if #offer.nextBest > 0 then why.nextBest = offer.nextBest end
  local reasons = passedOverList(offer.passedOver)
  if #reasons > 0 then why.passedOverFor = reasons end
  if contact.preferred then why.preferred = true end
  if contact.steps then why.steps = statesOf(cjson.decode(contact.steps)) end
  return cjson.encode(why)
end

-- `operator` is the record as loaded for this match, nothing changed since.
local function reserve(contact, operatorId, operator, offer)
  local why = whyOf(contact, operator, offer)
  local medium, key = contact.medium, operatorKey(operatorId)
  stopStanding(contact)
  redis.call('HSET', contactKey(contact.contactId), 'offerId', offer.offerId)
  redis.call(
    'HSET', prefix .. 'offer:' .. offer.offerId,
    'contactId', contact.contactId, 'operatorId', operatorId, 'state', 'offered'
  )
  saveHold(operatorId, contact.contactId, {
    state = 'offered', medium = medium, offerId = offer.offerId, shard = contact.shard, queueId = contact.queueId,
  })
  operator['held:' .. medium] = tonumber(operator['held:' .. medium] or '0') + 1
  operator.lastOfferedMs = ARGV[1]
  redis.call('HSET', key, 'held:' .. medium, operator['held:' .. medium], 'lastOfferedMs', ARGV[1])
  if operator.drawRank then
    if contact.strategy == 'randomWeighted' and offer.trigger == 'contact' and not contact.preferred then
      local floor = tonumber(redis.call('GET', prefix .. 'draw-floor') or '0')
      if tonumber(operator.drawRank) > floor then redis.call('SET', prefix .. 'draw-floor', operator.drawRank) end
    end
    redis.call('HDEL', key, 'drawRank')
  end
  -- Most have one place in one medium: then he is out of everything, and the rest of his state is as it was.
  if isAvailable(operator, medium) or operator['capacity:' .. otherMedium[medium]] ~= '0' then
    placeOperator(operatorId)
  else
    takeOutOfReady(operatorId, operator.profileId, medium)
  end
  becomesDue('due:offers', offer.offerId, offer.expiresAtMs)
  tellText(contact.shard, string.format(
    '{"type":"offerMade","contactId":%s,"offerId":%s,"operatorId":%s,"extension":%s,"expiresAtMs":%s,"atMs":%s,"why":%s}',
    cjson.encode(contact.contactId), cjson.encode(offer.offerId), cjson.encode(operatorId),
    cjson.encode(operator.extension), offer.expiresAtMs, ARGV[1], why
  ))
  publishText('offerReserved', contact.contactId, operatorId, why)
  return { contact.contactId, offer.offerId, operatorId }
end
