-- The conversation is over; who is free at once gets the next contact.
-- Arguments: operatorId, contactId, "1" for wrap-up, milliseconds it lasts or "" (until it is ended); to match: offerId,
-- expiresAtMs, readers.
-- Result: { "notHolding" } or { "released", the reservation's words ... }.
local operatorId, contactId, wrapUp = argument(1), argument(2), argument(3) == '1'
local hold = loadHold(operatorId, contactId)
if not hold or hold.state ~= 'connected' then return { 'notHolding' } end

redis.call('DEL', prefix .. 'offer:' .. hold.offerId)
if wrapUp then
  hold.state = 'wrapUp'
  if argument(4) ~= '' then
    hold.untilMs = digits(nowMs + tonumber(argument(4)))
    becomesDue('due:wrap-ups', operatorId .. ' ' .. contactId, hold.untilMs)
  end
  saveHold(operatorId, contactId, hold)
else
  becomeIdle(operatorId, contactId, hold)
end
publish('operatorReleased', { contactId = contactId, operatorId = operatorId }, { wrapUp = wrapUp })
local offer = not wrapUp and offerFrom(5)
return withReservation({ 'released' }, offer and matchOperator(operatorId, offer))
