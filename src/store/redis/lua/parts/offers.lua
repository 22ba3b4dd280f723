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
-- How many a trace names after the one that was picked.
local nextBest = 5
-- How far a look goes past the first of one class (or profile) when that pair must not meet. Exclusions in a row are
-- bounded by the missed offers after which an operator is set not ready, far below this.
local lookPast = 64

-- Members of `ranked` that may meet, best first, added to `found` in order of score.
local function addMembers(found, ranked, mayMeet)
  local function add(from, to)
    local before = #found
    local some = redis.call('ZRANGE', ranked, from, to, 'WITHSCORES')
    for i = 1, #some, 2 do
      if mayMeet(some[i]) then
        local score, at = tonumber(some[i + 1]), #found + 1
        while at > 1 and found[at - 1].score > score do at = at - 1 end
        table.insert(found, at, { id = some[i], score = score })
        if #found > nextBest + 1 then table.remove(found) end
      end
    end
    return #some == 2 * (to - from + 1) and #found == before
  end
  -- Only a row of members that must not meet makes the look go further.
  if add(0, nextBest) then add(nextBest + 1, lookPast - 1) end
end

-- Looks through the members of `heads` that are in the set `fit`, best first. Returns the best pair's member and the
-- next best after it (at most six in all), and how many heads before the best were unfit.
local function bestMembers(heads, look)
  local found, unfit, from = {}, 0, 0
  repeat
    local some = redis.call('ZRANGE', heads, from, from + lookWidth - 1, 'WITHSCORES')
    if #some == 0 then break end
    local ids = {}
    for i = 1, #some, 2 do table.insert(ids, some[i]) end
    for i, isFit in ipairs(redis.call('SMISMEMBER', look.fit, unpack(ids))) do
      if #found > nextBest and tonumber(some[2 * i]) >= found[#found].score then break end
      if isFit == 1 then
        addMembers(found, look.rankedOf(ids[i]), look.mayMeet)
      elseif #found == 0 then
        unfit = unfit + 1
      end
    end
    from = from + #ids
  until #found > 0
  return found, unfit
end

-- The best member that is not held already: who holds a contact is not offered it again. That is rare (a contact queued
-- again while its last operator wraps up), so it is asked for the best only, and otherwise all over again.
local function bestNotHeld(heads, look, isHeld)
  local passedOver = { unfit = 0, excluded = 0, holding = 0 }
  local mayMeet = function(id)
    if not look.isExcluded(id) then return true end
    passedOver.excluded = passedOver.excluded + 1
    return false
  end
  local found
  found, passedOver.unfit = bestMembers(heads, { fit = look.fit, rankedOf = look.rankedOf, mayMeet = mayMeet })
  if not found[1] or not isHeld(found[1].id) then return found, passedOver end
  passedOver.excluded = 0
  found, passedOver.unfit = bestMembers(heads, {
    fit = look.fit,
    rankedOf = look.rankedOf,
    mayMeet = function(id)
      if not isHeld(id) then return mayMeet(id) end
      passedOver.holding = passedOver.holding + 1
      return false
    end,
  })
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

local function whyOf(contact, operator, offer)
  local why = {
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
  return why
end

local function reserve(contact, operatorId, offer)
  local operator = loadOperator(operatorId)
  local why = whyOf(contact, operator, offer)
  stopStanding(contact)
  redis.call('HSET', contactKey(contact.contactId), 'offerId', offer.offerId)
  redis.call(
    'HSET', prefix .. 'offer:' .. offer.offerId,
    'contactId', contact.contactId, 'operatorId', operatorId, 'state', 'offered'
  )
  saveHold(operatorId, contact.contactId, {
    state = 'offered', medium = contact.medium, offerId = offer.offerId, shard = contact.shard,
    queueId = contact.queueId,
  })
  local key = operatorKey(operatorId)
  redis.call('HINCRBY', key, 'held:' .. contact.medium, 1)
  redis.call('HSET', key, 'lastOfferedMs', ARGV[1])
  if operator.drawRank then
    if contact.strategy == 'randomWeighted' then
      local floor = tonumber(redis.call('GET', prefix .. 'draw-floor') or '0')
      if tonumber(operator.drawRank) > floor then redis.call('SET', prefix .. 'draw-floor', operator.drawRank) end
    end
    redis.call('HDEL', key, 'drawRank')
  end
  placeOperator(operatorId)
  becomesDue('due:offers', offer.offerId, offer.expiresAtMs)
  tell(contact.shard, {
    type = 'offerMade', contactId = contact.contactId, offerId = offer.offerId, operatorId = operatorId,
    extension = operator.extension, expiresAtMs = tonumber(offer.expiresAtMs), atMs = nowMs, why = why,
  })
  why.offerId, why.queueId, why.expiresAtMs = offer.offerId, contact.queueId, tonumber(offer.expiresAtMs)
  publish('offerReserved', { contactId = contact.contactId, operatorId = operatorId }, why)
  return { contact.contactId, offer.offerId, operatorId }
end
