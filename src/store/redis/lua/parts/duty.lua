-- How many operators could serve a class: logged in (signed in, not logged off) and on duty (ready, phone registered,
-- whether busy or not). Counted per profile and per class when an operator's duty changes, so that a match need not count.
local duties = { none = 0, loggedIn = 1, onDuty = 2 }

local function dutyOf(operator)
  if operator.signedIn ~= '1' or operator.presence == 'loggedOff' then return duties.none end
  if operator.presence == 'ready' and operator.reachable == '1' then return duties.onDuty end
  return duties.loggedIn
end

local function reached(from, to, level)
  return (to >= level and 1 or 0) - (from >= level and 1 or 0)
end

local function countDuty(profileId, from, to)
  local loggedIn, onDuty = reached(from, to, duties.loggedIn), reached(from, to, duties.onDuty)
  if loggedIn == 0 and onDuty == 0 then return end
  if loggedIn ~= 0 then count(prefix .. 'profile-logged-in', profileId, loggedIn) end
  if onDuty ~= 0 then count(prefix .. 'profile-on-duty', profileId, onDuty) end
  for _, classId in ipairs(redis.call('SMEMBERS', prefix .. 'serves:' .. profileId)) do
    if onDuty ~= 0 then count(prefix .. 'class-on-duty', classId, onDuty) end
    -- The last one has gone: steps that ask for anybody qualified are over.
    if loggedIn ~= 0 and count(prefix .. 'class-logged-in', classId, loggedIn) == 0 then
      lookAgainAt(redis.call('SMEMBERS', prefix .. 'skippable:' .. classId))
    end
  end
  -- With fewer to choose from, somebody excluded may be the only one left.
  if onDuty < 0 then lookAgainAt(redis.call('SMEMBERS', prefix .. 'with-exclusions')) end
end

local function settleDuty(operatorId, operator)
  local before, now = tonumber(operator.duty or '0'), dutyOf(operator)
  if before == now then return end
  redis.call('HSET', prefix .. 'operator:' .. operatorId, 'duty', now)
  operator.duty = tostring(now)
  countDuty(operator.profileId, before, now)
end

-- Before the operator's profile changes or he is forgotten.
local function leaveDuty(operatorId, operator)
  countDuty(operator.profileId, tonumber(operator.duty or '0'), duties.none)
  redis.call('HSET', prefix .. 'operator:' .. operatorId, 'duty', duties.none)
end

local function qualifiedLoggedIn(classId)
  return tonumber(redis.call('HGET', prefix .. 'class-logged-in', classId) or '0')
end
