-- Reserves the contact that this operator should have next, voice before chat: the first in order of score of those who
-- wait in a class he can serve and those who wait for him alone; or a call-back, by the rule of sharing.
-- No next best are named: while he was not there nobody else free could serve the contact either.
-- Arguments: operatorId, offerId, expiresAtMs. Result: { contactId, offerId, operatorId } or nil.
local operatorId = argument(1)
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
      return reserve(callBack.contact, operatorId, operator, {
        offerId = argument(2), expiresAtMs = argument(3), trigger = callBack.trigger,
        passedOver = { unfit = 0, excluded = 0, holding = 0 }, nextBest = {},
      })
    end
    if picked then
      return reserve(loadContact(picked), operatorId, operator, {
        offerId = argument(2), expiresAtMs = argument(3), trigger = 'operator', passedOver = passedOver,
        nextBest = {},
      })
    end
  end
end
return nil
