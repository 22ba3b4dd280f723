-- Creates or updates an operator. Skills changed from outside the configuration stay while the configuration says the
-- same as before.
-- Arguments: operatorId, extension, skills (JSON), profileId, capacity for voice, capacity for chat, skillTotal, weight.
-- Result: "registered"; "unknownProfile": define the profile first.
local operatorId, profileId = argument(1), argument(4)
local key, operator = operatorKey(operatorId), loadOperator(operatorId)
local profile = { skills = argument(3), profileId = profileId, skillTotal = argument(7) }
-- Before version 2 of the keys there was no other profile than the configured one.
local configured = operator and (redis.call('HGET', key, 'configuredProfileId') or operator.profileId)
if configured ~= profileId and redis.call('HEXISTS', prefix .. 'profiles', profileId) == 0 then
  return 'unknownProfile'
end

if not operator then
  redis.call('SADD', prefix .. 'operators', operatorId)
  redis.call(
    'HSET', key, 'signedIn', '0', 'presence', 'loggedOff', 'reachable', '0',
    'skills', profile.skills, 'profileId', profileId, 'skillTotal', profile.skillTotal
  )
  redis.call('HINCRBY', prefix .. 'profile-sizes', profileId, 1)
else
  takeOutOfAllReady(operatorId, operator.profileId)
  if configured ~= profileId then changeProfile(operatorId, operator, profile) end
end
redis.call(
  'HSET', key, 'extension', argument(2), 'configuredProfileId', profileId,
  'capacity:voice', argument(5), 'capacity:chat', argument(6), 'weight', argument(8)
)
placeOperator(operatorId)
publish('operatorRegistered', { operatorId = operatorId }, {
  extension = argument(2), profileId = redis.call('HGET', key, 'profileId'),
})
return 'registered'
