-- Gives the operator more time after a contact, and tells the contact's owner.
-- Arguments: operatorId, contactId, milliseconds more. Result: until when (ms) as text, or nil: not in wrap-up.
local operatorId, contactId = argument(1), argument(2)
local hold = loadHold(operatorId, contactId)
if not hold or hold.state ~= 'wrapUp' then return nil end

local fromMs = math.max(nowMs, tonumber(hold.untilMs or ARGV[1]))
hold.untilMs = digits(fromMs + tonumber(argument(3)))
saveHold(operatorId, contactId, hold)
becomesDue('due:wrap-ups', operatorId .. ' ' .. contactId, hold.untilMs)
local untilMs = tonumber(hold.untilMs)
tell(hold.shard, {
  type = 'wrapUpExtended', contactId = contactId, operatorId = operatorId, untilMs = untilMs, atMs = nowMs,
})
publish('wrapUpExtended', { contactId = contactId, operatorId = operatorId }, { untilMs = untilMs })
return hold.untilMs
