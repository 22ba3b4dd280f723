-- Reserves the best ready operator for the first call-back of a queue that may have one, by the rule of sharing.
-- Arguments: queueId, offerId, expiresAtMs, readers. Result: as `reserve` gives it (parts/offers.lua), or nil.
return matchCallBack(argument(1), offerFrom(2))
