-- Says whether the condition of a contact's next step is met, and brings the contact up to now.
-- Arguments: contactId, number of the step, "1" or "0". Result: "taken", "stale" (the step is not the next any more).
local contact = loadContact(argument(1))
if not contact or not contact.steps then return 'stale' end
local step = tonumber(argument(2))
if firstAhead(cjson.decode(contact.steps)) ~= step then return 'stale' end

if examine(contact, { step = step, met = argument(3) == '1' }) then
  becomesDue('due:contacts', contact.contactId, ARGV[1])
end
return 'taken'
