-- Saves a live contact and then carries out a verb for it, in one step.
-- Arguments: the verb, how many words the save has, these words (as `saveContact` takes them, parts/live-contacts.lua),
-- then the verb's own arguments.
-- Result: { 0 } when the lease is lost and nothing was done, or { 1, the verb's result }.
local body, words = bodies[argument(1)], tonumber(argument(2))
if not saveContact(6, 5 + words) then return { 0 } end

ARGV = { ARGV[1], ARGV[2], ARGV[3], unpack(ARGV, 6 + words) }
return { 1, body() }
