-- Reserves the best ready operator for a contact that stands: in its class, or for one operator only. `offer`: its offerId,
-- expiresAtMs, readers. Returns what `reserve` does, or nil.
local function matchContact(contactId, offer)
  local contact = loadContact(contactId)
  -- A call-back gets an operator by the rule of sharing only (parts/call-backs.lua).
  if not contact or contact.offerId or contact.kind then return nil end
  offer.trigger = 'contact'

  if contact.preferred then
    local operator = loadForMatch(contact.preferred)
    if not operator or not isAvailable(operator, contact.medium) then return nil end
    if holds(contact.preferred, contact.contactId) then return nil end
    offer.passedOver, offer.nextBest = { unfit = 0, excluded = 0, holding = 0 }, {}
    return reserve(contact, contact.preferred, operator, offer)
  end

  if contact.strategy == 'randomWeighted' then renewDraws(contact.medium) end
  local excluded = {}
  if contact.excluded and exclusionsCount(contact) then
    for _, operatorId in ipairs(excludedOf(contact)) do excluded[operatorId] = true end
  end
  local found, passedOver = bestNotHeld(
    prefix .. 'profile-heads:' .. contact.medium .. ':' .. contact.strategy,
    {
      -- The one who is picked, and the five next best for the trace.
      most = 6,
      fit = prefix .. 'served-by:' .. contact.classId,
      rankedOf = function(profileId) return readyKey(contact.medium, contact.strategy, profileId) end,
      isExcluded = function(operatorId) return excluded[operatorId] end,
    },
    function(operatorId) return holds(operatorId, contact.contactId) end
  )
  if not found[1] then return nil end
  offer.passedOver, offer.nextBest = passedOver, idsAfter(found, 1)
  return reserve(contact, found[1].id, loadForMatch(found[1].id), offer)
end

-- Reserves the contact that this operator should have next, voice before chat: the first in order of score of those who
-- wait in a class he can serve and those who wait for him alone; or a call-back, by the rule of sharing.
-- No next best are named: while he was not there nobody else free could serve the contact either.
local function matchOperator(operatorId, offer)
  local operator = loadForMatch(operatorId)
  if not operator then return nil end

  local excludedFrom = prefix .. 'excluded-from:' .. operatorId
  local hasExclusions = redis.call('EXISTS', excludedFrom) == 1
  local function isExcluded(contactId)
    return hasExclusions
      and redis.call('SISMEMBER', excludedFrom, contactId) == 1
      and exclusionsCount(loadContact(contactId))
  end
  local function isHeld(contactId) return holds(operatorId, contactId) end

  for _, medium in ipairs(media) do
    if isAvailable(operator, medium) then
      local found, passedOver = bestNotHeld(prefix .. 'class-heads:' .. medium, {
        most = 1,
        fit = prefix .. 'serves:' .. operator.profileId,
        rankedOf = function(classId) return waitingKey(medium, classId) end,
        isExcluded = isExcluded,
      }, isHeld)
      local preferring = redis.call('ZRANGE', prefix .. 'preferring:' .. medium .. ':' .. operatorId, 0, 0, 'WITHSCORES')
      local picked = found[1] and found[1].id
      if preferring[1] and (not picked or tonumber(preferring[2]) <= found[1].score) and not isHeld(preferring[1]) then
        picked = preferring[1]
      end
      local callBack = callBackFor(operatorId, operator, { medium = medium, liveWaits = picked and true or false })
      if callBack then
        offer.trigger, offer.passedOver, offer.nextBest = callBack.trigger, { unfit = 0, excluded = 0, holding = 0 }, {}
        return reserve(callBack.contact, operatorId, operator, offer)
      end
      if picked then
        offer.trigger, offer.passedOver, offer.nextBest = 'operator', passedOver, {}
        return reserve(loadContact(picked), operatorId, operator, offer)
      end
    end
  end
  return nil
end

-- The offer that a verb may make, out of its arguments from the nth on: offerId, expiresAtMs, readers. Nil when the first
-- is left out: nobody is to be matched.
local function offerFrom(n)
  local offerId = argument(n)
  if not offerId then return nil end
  return { offerId = offerId, expiresAtMs = argument(n + 1), readers = argument(n + 2) }
end

-- The words of a verb's result with those of its reservation, if it made one.
local function withReservation(result, reservation)
  for _, word in ipairs(reservation or {}) do table.insert(result, word) end
  return result
end
