--# include: base events operators contacts offers
-- The offer ended without an answer: both are given back, the operator set aside for a while.
-- Arguments: offerId, failure, setAsideMs. Result: { "staleOffer" } or { "givenBack", operatorId, contactId }.
local failure, setAsideMs = argument(2), tonumber(argument(3))
local offer = loadOffer(argument(1))
if not offer or offer.state ~= 'offered' then return { 'staleOffer' } end

dropOffer(offer, setAsideMs)
local contact = loadContact(offer.contactId)
if failure == 'contactGone' then leaveQueue(contact) else stand(contact) end
publish('offerGivenBack', offer, { offerId = offer.offerId, failure = failure, setAsideMs = setAsideMs })
return { 'givenBack', offer.operatorId, offer.contactId }
