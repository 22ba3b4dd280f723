-- Reserves the contact that this operator should have next.
-- Arguments: operatorId, offerId, expiresAtMs, readers. Result: as `reserve` gives it (parts/offers.lua), or nil.
return matchOperator(argument(1), offerFrom(2))
