-- How an operator's time is used, for the strategy leastOccupied: the same formulas as in src/acd/ranking.ts.
local occupancyMemoryMs = 3600000
local leastOccupancy = 1e-9

local function timeUseOf(operator)
  if tonumber(operator.engaged or '0') > 0 then return 'busy' end
  if operator.signedIn == '1' and operator.presence == 'ready' and operator.outsideCall ~= '1' then return 'idle' end
  return 'paused'
end

local function occupancyAfter(occupancy, use, forMs)
  if use == 'paused' or forMs <= 0 then return occupancy end
  local kept = math.exp(-forMs / occupancyMemoryMs)
  local after = occupancy * kept
  if use == 'busy' then after = 1 - (1 - occupancy) * kept end
  return rounded(after * 1e12) / 1e12
end

local function occupancyRank(occupancy, readySinceMs)
  if occupancy < leastOccupancy then return readySinceMs - 100 * occupancyMemoryMs end
  return rounded(nowMs + occupancyMemoryMs * math.log(occupancy))
end

-- Brings the occupancy up to now when the use of time changes.
local function settleTime(operatorId, operator)
  local use, before = timeUseOf(operator), operator.timeUse or 'paused'
  if use == before then return end
  local sinceMs = tonumber(operator.timeUseSinceMs or ARGV[1])
  local occupancy = occupancyAfter(tonumber(operator.occupancy or '0'), before, nowMs - sinceMs)
  operator.occupancy, operator.timeUse = digits(occupancy), use
  redis.call(
    'HSET', prefix .. 'operator:' .. operatorId,
    'occupancy', operator.occupancy, 'timeUse', use, 'timeUseSinceMs', ARGV[1]
  )
  if use == 'idle' then
    operator.occupancyRank = digits(occupancyRank(occupancy, tonumber(operator.readySinceMs or ARGV[1])))
    redis.call('HSET', prefix .. 'operator:' .. operatorId, 'occupancyRank', operator.occupancyRank)
  end
end
