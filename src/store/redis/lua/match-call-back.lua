-- Reserves the best ready operator for the first call-back of a queue that may have one, by the rule of sharing.
-- Arguments: queueId, offerId, expiresAtMs, readers. Result: as `reserve` gives it (parts/offers.lua), or nil.
for _, contactId in ipairs(redis.call('ZRANGE', callBacksKey(argument(1)), 0, lookPast - 1)) do
  local contact = loadContact(contactId)
  local found, passedOver = bestNotHeld(
    prefix .. 'profile-heads:' .. contact.medium .. ':' .. contact.strategy,
    {
      most = 6,
      fit = prefix .. 'served-by:' .. contact.classId,
      rankedOf = function(profileId) return readyKey(contact.medium, contact.strategy, profileId) end,
      isExcluded = function(operatorId) return not mayMeetCallBack(contact, operatorId) end,
    },
    function() return false end
  )
  if found[1] then
    local operator = loadForMatch(found[1].id)
    local trigger = sharingTrigger(contact, liveWaitsFor(found[1].id, operator, contact.medium))
    if not trigger then return nil end
    local offer = offerFrom(2)
    offer.trigger, offer.passedOver, offer.nextBest = trigger, passedOver, idsAfter(found, 1)
    return reserve(contact, found[1].id, operator, offer)
  end
end
return nil
