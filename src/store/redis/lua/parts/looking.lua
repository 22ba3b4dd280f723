-- How many heads one look takes in. Most matches end in the first; the next looks go on where it stopped, so that the
-- cost grows with the classes (or profiles) passed over as unfit and never with those who wait or are ready.
local lookWidth = 16
-- How far a look goes past the first of one class (or profile) when that pair must not meet. Exclusions in a row are
-- bounded by the missed offers after which an operator is set not ready, far below this.
local lookPast = 64

-- A lane is a set in order, with the score of its next member; none when it is through. Of equal ones the first lane is
-- the best.
local function bestLane(lanes)
  local best
  for _, lane in ipairs(lanes) do
    if lane.score and (not best or lane.score < best.score) then best = lane end
  end
  return best
end

-- The lane's next member; the lane goes on to the one after it.
local function takeNext(lane)
  local two = redis.call('ZRANGE', lane.ranked, lane.next, lane.next + 1, 'WITHSCORES')
  lane.next = lane.next + 1
  lane.score = lane.next < lookPast and two[4] and tonumber(two[4]) or nil
  return two[1]
end

-- The best members of the lanes, best first, up to look.most in all.
local function takeBest(found, lanes, look)
  while #found < look.most do
    local lane = bestLane(lanes)
    if not lane then return end
    local score = lane.score
    local id = takeNext(lane)
    if id and look.mayMeet(id) then table.insert(found, { id = id, score = score }) end
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
local function bestNotHeld(heads, look)
  local isHeld = look.isHeld
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

-- The best ready operator for a contact and the five next best for the trace, best first, and how many were passed over.
-- A contact kept for one operator is not looked at here.
local function bestOperatorsFor(contact)
  local medium, strategy = contact.medium, contact.strategy
  if strategy == 'randomWeighted' then renewDraws(medium) end
  local excluded = {}
  if contact.excluded and exclusionsCount(contact) then
    for _, operatorId in ipairs(excludedOf(contact)) do excluded[operatorId] = true end
  end
  return bestNotHeld(prefix .. 'profile-heads:' .. medium .. ':' .. strategy, {
    most = 6,
    fit = prefix .. 'served-by:' .. contact.classId,
    rankedOf = function(profileId) return readyKey(medium, strategy, profileId) end,
    isExcluded = function(operatorId) return excluded[operatorId] end,
    isHeld = function(operatorId) return holds(operatorId, contact.contactId) end,
  })
end

-- How to look for the contact that an operator should have next, by `bestContactFor`.
local function lookFor(operatorId, operator)
  local excludedFrom = prefix .. 'excluded-from:' .. operatorId
  local hasExclusions = redis.call('EXISTS', excludedFrom) == 1
  return {
    most = 1,
    fit = prefix .. 'serves:' .. operator.profileId,
    isExcluded = function(contactId)
      return hasExclusions
        and redis.call('SISMEMBER', excludedFrom, contactId) == 1
        and exclusionsCount(loadContact(contactId))
    end,
    isHeld = function(contactId) return holds(operatorId, contactId) end,
  }
end

-- The first ({ id, score }) of those who stand in the classes of `heads`, if any, and how many were passed over.
local function bestContactFor(look, heads, rankedOf)
  look.rankedOf = rankedOf
  local found, passedOver = bestNotHeld(heads, look)
  return found[1], passedOver
end
