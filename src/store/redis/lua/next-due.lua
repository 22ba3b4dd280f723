--# include: base
-- When the next offer lease or set-aside runs out.
-- Arguments: none. Result: milliseconds as text, or nil.
local next
for _, due in ipairs({ 'due:offers', 'due:set-asides' }) do
  local atMs = redis.call('ZRANGE', prefix .. due, 0, 0, 'WITHSCORES')[2]
  if atMs and (not next or tonumber(atMs) < tonumber(next)) then next = atMs end
end
return next
