local function loadOffer(offerId)
  local offer = fields(prefix .. 'offer:' .. offerId, { 'contactId', 'operatorId', 'state' })
  if offer then offer.offerId = offerId end
  return offer
end

-- The offer is over without an answer: the operator is free of it, the contact is the caller's to place.
local function dropOffer(offer, setAsideMs)
  redis.call('DEL', prefix .. 'offer:' .. offer.offerId)
  redis.call('ZREM', prefix .. 'due:offers', offer.offerId)
  local hold = loadHold(offer.operatorId, offer.contactId)
  redis.call('HDEL', prefix .. 'told:' .. hold.shard, offer.offerId)
  dropHold(offer.operatorId, offer.contactId, hold)
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

-- Whether the caller of the verb is itself the reader of the shard's inbox; `readers` is "shard token shard token ...".
local function isRead(shard, readers)
  for name, token in string.gmatch(readers, '(%S+) (%S+)') do
    if name == shard then return redis.call('GET', prefix .. 'inbox-reader:' .. shard) == token end
  end
  return false
end

-- `operator` is the record as loaded for this match, nothing changed since; `offer.drawn`: he was picked from among those
-- who could serve. Whoever owns the contact is told of it: by
-- the result when he asks for the match himself (the text is kept while the offer rings, in case he never gets it),
-- otherwise through his inbox. Returns contactId, offerId, operatorId, and shard and text of what he is told or "".
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
    if contact.strategy == 'randomWeighted' and offer.drawn then
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
  local made = string.format(
    '{"type":"offerMade","contactId":%s,"offerId":%s,"operatorId":%s,"extension":%s,"expiresAtMs":%s,"atMs":%s,"why":%s}',
    cjson.encode(contact.contactId), cjson.encode(offer.offerId), cjson.encode(operatorId),
    cjson.encode(operator.extension), offer.expiresAtMs, ARGV[1], why
  )
  local told = isRead(contact.shard, offer.readers)
  if told then
    redis.call('HSET', prefix .. 'told:' .. contact.shard, offer.offerId, made)
  else
    tellText(contact.shard, made)
  end
  publishText('offerReserved', contact.contactId, operatorId, why)
  return { contact.contactId, offer.offerId, operatorId, told and contact.shard or '', told and made or '' }
end
