-- Changes an operator's skills from outside the configuration, which takes over again when it says something new.
-- Arguments: operatorId, skills (JSON), profileId, skillTotal.
-- Result: "done", "unknownOperator"; "unknownProfile": define the profile first.
local operatorId, profileId = argument(1), argument(3)
local operator = loadOperator(operatorId)
if not operator then return 'unknownOperator' end
if redis.call('HEXISTS', prefix .. 'profiles', profileId) == 0 then return 'unknownProfile' end

changeProfile(operatorId, operator, { skills = argument(2), profileId = profileId, skillTotal = argument(4) })
placeOperator(operatorId)
publish('skillsChanged', { operatorId = operatorId }, { profileId = profileId })
return 'done'
