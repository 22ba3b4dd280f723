-- Saves or removes a live contact, if the lease is still the newest.
-- Arguments: as `saveContact` takes them (parts/live-contacts.lua). Result: 1, or 0 when the lease is lost.
return saveContact(4, #ARGV) and 1 or 0
