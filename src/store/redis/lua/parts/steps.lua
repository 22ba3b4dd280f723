-- Steps of a requirement: a list of { classId, strategy, dueAtMs, considerIf, state }; `state` is ahead, active, expired,
-- skipped or served. A contact with one step and no condition has no list.

local function statesOf(steps)
  local states = {}
  for i, one in ipairs(steps) do states[i] = one.state end
  return states
end

local function isUnserved(one)
  return one.considerIf == 'anyQualified' and qualifiedLoggedIn(one.classId) == 0
end

local function firstAhead(steps)
  for i, one in ipairs(steps) do
    if one.state == 'ahead' then return i end
  end
  return nil
end

-- Whether the time in which one operator comes first is over, or he cannot take the contact in it.
local function isPreferenceOver(contact)
  if nowMs >= tonumber(contact.preferredUntilMs) then return true end
  local operator = redis.call('HMGET', operatorKey(contact.preferred), 'signedIn', 'presence', 'profileId')
  if operator[1] ~= '1' or operator[2] ~= 'ready' then return true end
  for _, excluded in ipairs(excludedOf(contact)) do
    if excluded == contact.preferred then return true end
  end
  return redis.call('SISMEMBER', prefix .. 'served-by:' .. contact.classId, operator[3]) == 0
end

-- Brings the steps up to now. `answer` ({ step, met }) is the caller's to a question asked before. Returns what has
-- changed, and the number of the step whose condition only the caller can judge.
local function advance(steps, answer)
  local changed, active = false, 1
  for i, one in ipairs(steps) do
    if one.state == 'active' then active = i end
  end
  local atOnce = isUnserved(steps[active])
  while true do
    local ahead = firstAhead(steps)
    if not ahead or not (atOnce or steps[ahead].dueAtMs <= nowMs) then return changed, active, nil end
    local one = steps[ahead]
    local met = true
    if one.considerIf == 'anyQualified' then
      -- When nobody can serve this one either, the widest, which is the last, it shall be.
      met = not isUnserved(one) or (ahead == #steps and isUnserved(steps[active]))
      if not met then atOnce = true end
    elseif one.considerIf then
      if not answer or answer.step ~= ahead then return changed, active, ahead end
      met = answer.met
      if not met then atOnce = isUnserved(steps[active]) end
    end
    changed = true
    if met then
      steps[active].state = isUnserved(steps[active]) and 'skipped' or 'expired'
      one.state = 'active'
      active = ahead
      atOnce = isUnserved(one)
    else
      one.state = 'skipped'
    end
  end
end

-- When the contact is to be looked at next.
local function reschedule(contact, steps)
  local atMs = contact.preferred and tonumber(contact.preferredUntilMs)
  local ahead = steps and firstAhead(steps)
  if ahead and (not atMs or steps[ahead].dueAtMs < atMs) then atMs = steps[ahead].dueAtMs end
  if atMs then
    becomesDue('due:contacts', contact.contactId, digits(atMs))
  else
    redis.call('ZREM', prefix .. 'due:contacts', contact.contactId)
  end
end

local function saveSteps(contact, steps, active)
  local one = steps[active]
  if contact.classId ~= one.classId then
    redis.call('SREM', prefix .. 'skippable:' .. contact.classId, contact.contactId)
  end
  contact.classId, contact.strategy, contact.step, contact.steps = one.classId, one.strategy, active, cjson.encode(steps)
  if one.considerIf == 'anyQualified' and firstAhead(steps) then
    redis.call('SADD', prefix .. 'skippable:' .. contact.classId, contact.contactId)
  else
    redis.call('SREM', prefix .. 'skippable:' .. contact.classId, contact.contactId)
  end
  redis.call(
    'HSET', contactKey(contact.contactId),
    'classId', contact.classId, 'strategy', contact.strategy, 'step', contact.step, 'steps', contact.steps
  )
end

-- Brings the contact up to now: preference, steps, and when to look again. Returns the number of the step whose
-- condition the caller must judge, with the condition.
local function examine(contact, answer)
  local standing = not contact.offerId
  if standing then stopStanding(contact) end
  if contact.preferred and isPreferenceOver(contact) then
    redis.call('HDEL', contactKey(contact.contactId), 'preferred', 'preferredUntilMs')
    publish('preferenceOver', contact, { preferred = contact.preferred })
    contact.preferred = nil
  end
  local steps = contact.steps and cjson.decode(contact.steps)
  local changed, active, question
  if steps then
    changed, active, question = advance(steps, answer)
    if changed then
      saveSteps(contact, steps, active)
      publish('stepTaken', contact, { step = active, classId = contact.classId, steps = statesOf(steps) })
    end
  end
  if standing then stand(contact) end
  if question then return question, steps[question].considerIf end
  reschedule(contact, steps)
  return nil
end

-- A contact's steps as they are when it enters a queue.
local function beginSteps(contact, steps)
  if #steps == 1 then
    contact.classId, contact.strategy = steps[1].classId, steps[1].strategy
    return
  end
  steps[1].state = 'active'
  for i = 2, #steps do steps[i].state = 'ahead' end
  contact.classId, contact.strategy = steps[1].classId, steps[1].strategy
  saveSteps(contact, steps, 1)
end
