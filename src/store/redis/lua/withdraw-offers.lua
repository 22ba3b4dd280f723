--# include: base events time-use duty operators holds contacts steps offers
-- Withdraws what is being offered to an operator; conversations go on.
-- Arguments: operatorId, "operatorGone" or "staffAction". Result: contactId of each offer withdrawn ...
return withdrawOffersOf(argument(1), argument(2))
