-- Reserves the best ready operator for a contact.
-- Arguments: contactId, offerId, expiresAtMs, readers. Result: as `reserve` gives it (parts/offers.lua), or nil.
return matchContact(argument(1), offerFrom(2))
