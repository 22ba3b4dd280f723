-- Every verb: the one key is the prefix of all keys; ARGV[1] nowMs, ARGV[2] actor as "kind:id" or "", ARGV[3] reason or
-- "", then the verb's own arguments. In front of this stand `weights` (strategy -> weight per fact) and `factNames`, both
-- made from src/acd/ranking.ts.
local prefix, nowMs, ARGV
-- What a verb keeps from one of its steps to the next; forgotten with the call.
local memo

local function verb(run)
  return function(keys, arguments)
    prefix, ARGV, nowMs, memo = keys[1], arguments, tonumber(arguments[1]), {}
    return run()
  end
end

local function argument(n)
  return ARGV[3 + n]
end

-- The verb's arguments from the nth on.
local function argumentsFrom(n)
  local rest = {}
  for i = 3 + n, #ARGV do table.insert(rest, ARGV[i]) end
  return rest
end

-- All digits of a double: Lua's own conversion keeps 14.
local function digits(number)
  return string.format('%.17g', number)
end

local function rounded(number)
  return math.floor(number + 0.5)
end

-- HMGET as a table of the fields that are there; nil when the first field is not.
local function fields(key, names)
  local values = redis.call('HMGET', key, unpack(names))
  if not values[1] then return nil end
  local record = {}
  for i, name in ipairs(names) do
    if values[i] then record[name] = values[i] end
  end
  return record
end

-- Adds to a counter in a hash that holds no zeros. Returns the new count.
local function count(key, field, change)
  local left = redis.call('HINCRBY', key, field, change)
  if left == 0 then redis.call('HDEL', key, field) end
  return left
end
