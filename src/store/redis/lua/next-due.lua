-- When the next thing becomes due: an offer's lease, a set-aside, a wrap-up, a contact's step or preference.
-- Arguments: none. Result: milliseconds as text, or nil.
local next
for _, due in ipairs({ 'due:offers', 'due:set-asides', 'due:wrap-ups', 'due:contacts' }) do
  local atMs = redis.call('ZRANGE', prefix .. due, 0, 0, 'WITHSCORES')[2]
  if atMs and (not next or tonumber(atMs) < tonumber(next)) then next = atMs end
end
return next
