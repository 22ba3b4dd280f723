-- Every verb: KEYS[1] the prefix of all keys; ARGV[1] nowMs, ARGV[2] strategies (JSON: name -> weight per fact),
-- ARGV[3] actor as "kind:id" or "", ARGV[4] reason or "", then the verb's own arguments.
local prefix = KEYS[1]
local nowMs = tonumber(ARGV[1])

local function argument(n)
  return ARGV[4 + n]
end

-- All digits of a double: Lua's own conversion keeps 14.
local function digits(number)
  return string.format('%.17g', number)
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
