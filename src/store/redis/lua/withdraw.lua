-- Takes a contact out of its queue; the operator of a live offer is free at once.
-- Arguments: contactId, waits up to this (ms) do not count against the service level, "1" to tell the owner.
-- Result: { "notQueued" } or { "withdrawn", operatorId of the dropped offer or "" }.
local contact = loadContact(argument(1))
if not contact then return { 'notQueued' } end

local operatorId = ''
if contact.offerId then
  local offer = loadOffer(contact.offerId)
  operatorId = offer.operatorId
  dropOffer(offer, 0)
end
leaveQueue(contact)
if not contact.kind and nowMs - tonumber(contact.enqueuedAtMs) > tonumber(argument(2)) then
  keepMean('serviceLevel', contact.queueId, 0)
end
if argument(3) == '1' then
  tell(contact.shard, { type = 'contactWithdrawn', contactId = contact.contactId, atMs = nowMs })
end
publish('contactWithdrawn', { contactId = contact.contactId, operatorId = operatorId }, { queueId = contact.queueId })
return { 'withdrawn', operatorId }
