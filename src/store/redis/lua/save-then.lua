-- Saves a live contact and then carries out a verb for it, in one step.
-- Arguments: the verb, how many words the save has, these words (as `saveContact` takes them, parts/live-contacts.lua),
-- then the verb's own arguments.
-- Result: { "leaseLost" } when nothing was done, { "saved", the verb's result } or { "refused", why }: the verb failed, for
-- a defect, after the save.
local body, words = bodies[argument(1)], tonumber(argument(2))
if not saveContact(6, 5 + words) then return { 'leaseLost' } end

ARGV = { ARGV[1], ARGV[2], ARGV[3], unpack(ARGV, 6 + words) }
local isDone, result = pcall(body)
if isDone then return { 'saved', result } end
return { 'refused', type(result) == 'table' and result.err or tostring(result) }
