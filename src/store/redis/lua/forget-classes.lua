-- Forgets classes that nobody waits under, now or in a later step, and strategies that are left without a class.
-- Looking at everybody who waits takes its time: while very many do, nothing is forgotten until the next occasion.
-- Arguments: classId of each class to keep ... Result: how many classes were forgotten.
local mostWaiting = 5000

local kept, others = {}, {}
for _, classId in ipairs(argumentsFrom(1)) do kept[classId] = true end
for _, classId in ipairs(redis.call('HKEYS', prefix .. 'classes')) do
  if not kept[classId] then table.insert(others, classId) end
end
if #others == 0 then return 0 end

local everybody, waiting = {}, 0
for queues, queue in pairs({ queues = 'queue:', ['call-back-queues'] = 'call-backs:' }) do
  for _, queueId in ipairs(redis.call('SMEMBERS', prefix .. queues)) do table.insert(everybody, prefix .. queue .. queueId) end
end
for _, key in ipairs(everybody) do waiting = waiting + redis.call('ZCARD', key) end
if waiting > mostWaiting then return 0 end
for _, key in ipairs(everybody) do
  for _, contactId in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    local contact = redis.call('HMGET', contactKey(contactId), 'classId', 'steps')
    kept[contact[1]] = true
    for _, one in ipairs(contact[2] and cjson.decode(contact[2]) or {}) do kept[one.classId] = true end
  end
end

local forgotten = 0
for _, classId in ipairs(others) do
  if not kept[classId] then
    for _, profileId in ipairs(redis.call('SMEMBERS', prefix .. 'served-by:' .. classId)) do
      redis.call('SREM', prefix .. 'serves:' .. profileId, classId)
    end
    redis.call('DEL', prefix .. 'served-by:' .. classId)
    redis.call('HDEL', prefix .. 'class-logged-in', classId)
    redis.call('HDEL', prefix .. 'class-on-duty', classId)
    redis.call('HDEL', prefix .. 'classes', classId)
    forgotten = forgotten + 1
  end
end
if forgotten == 0 then return 0 end
redis.call('INCR', prefix .. 'map-version')

local inUse = {}
for _, class in ipairs(redis.call('HVALS', prefix .. 'classes')) do inUse[cjson.decode(class).strategy] = true end
for _, strategy in ipairs(strategiesInUse()) do
  if not inUse[strategy] then forgetStrategy(strategy) end
end
return forgotten
