--# include: base events operators
-- Creates or updates an operator.
-- Arguments: operatorId, extension, skills (JSON), profileId, capacity for voice, capacity for chat.
-- Result: "registered"; "unknownProfile": define the profile first.
local operatorId, profileId = argument(1), argument(4)
if redis.call('HEXISTS', prefix .. 'profiles', profileId) == 0 then return 'unknownProfile' end

local known = loadOperator(operatorId)
if known then
  takeOutOfAllReady(operatorId, known.profileId)
else
  redis.call('SADD', prefix .. 'operators', operatorId)
  redis.call('HSET', operatorKey(operatorId), 'signedIn', '0', 'presence', 'loggedOff', 'reachable', '0')
end
redis.call('HINCRBY', prefix .. 'profile-sizes', profileId, 1)
if known then leaveProfile(known.profileId) end
redis.call(
  'HSET', operatorKey(operatorId), 'extension', argument(2), 'skills', argument(3), 'profileId', profileId,
  'capacity:voice', argument(5), 'capacity:chat', argument(6)
)
placeOperator(operatorId)
publish('operatorRegistered', { operatorId = operatorId }, { extension = argument(2), profileId = profileId })
return 'registered'
