-- Reserves the best ready operator for a contact that stands: in its class, or for one operator only. A call-back gets one
-- by the rule of sharing only, in the order of its queue: then it is the first of them that is matched. `offer`: its
-- offerId, expiresAtMs, readers. Returns what `reserve` does, or nil.
local function matchContact(contactId, offer)
  local contact = loadContact(contactId)
  if not contact or contact.offerId then return nil end
  if contact.kind then return matchCallBack(contact.queueId, offer) end
  offer.trigger = 'contact'

  if contact.preferred then
    local operator = loadForMatch(contact.preferred)
    if not operator or not isAvailable(operator, contact.medium) then return nil end
    if holds(contact.preferred, contact.contactId) then return nil end
    offer.passedOver, offer.nextBest = { unfit = 0, excluded = 0, holding = 0 }, {}
    return reserve(contact, contact.preferred, operator, offer)
  end

  local found, passedOver = bestOperatorsFor(contact)
  if not found[1] then return nil end
  offer.passedOver, offer.nextBest, offer.drawn = passedOver, idsAfter(found, 1), true
  return reserve(contact, found[1].id, loadForMatch(found[1].id), offer)
end

-- Reserves the contact that this operator should have next, voice before chat: the first in order of score of those who
-- wait in a class he can serve and those who wait for him alone; or a call-back, by the rule of sharing.
-- No next best are named: while he was not there nobody else free could serve the contact either.
local function matchOperator(operatorId, offer)
  local operator = loadForMatch(operatorId)
  if not operator then return nil end

  local look = lookFor(operatorId, operator)
  for _, medium in ipairs(media) do
    if isAvailable(operator, medium) then
      local first, passedOver = bestContactFor(look, prefix .. 'class-heads:' .. medium, function(classId)
        return waitingKey(medium, classId)
      end)
      local preferring = redis.call('ZRANGE', prefix .. 'preferring:' .. medium .. ':' .. operatorId, 0, 0, 'WITHSCORES')
      local picked = first and first.id
      if preferring[1] and (not first or tonumber(preferring[2]) <= first.score) and not look.isHeld(preferring[1]) then
        picked = preferring[1]
      end
      local callBack = callBackFor(look, { medium = medium, liveWaits = picked and true or false })
      if callBack then
        offer.trigger, offer.passedOver, offer.nextBest = callBack.trigger, callBack.passedOver, {}
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
