-- Appends a move to the common event stream, as one text (stream-entries.ts reads it). The bound: one million entries (about 300 MB), whatever readers do.
local function publishText(kind, contactId, operatorId, facts)
  redis.call(
    'XADD', prefix .. 'events', 'MAXLEN', '~', '1000000', '*',
    'event', 'queue ' .. contactId .. ' ' .. operatorId .. ' ' .. ARGV[1] .. ' ' .. kind .. ' ' .. facts
  )
end

local function publish(kind, who, facts)
  if ARGV[2] ~= '' then
    facts.actor = ARGV[2]
    facts.reason = ARGV[3]
  end
  publishText(kind, who.contactId or '', who.operatorId or '', cjson.encode(facts))
end

-- Tells the owner of the shard. The bound holds when a shard has no owner for long: 100,000 entries.
local function tellText(shard, event)
  redis.call('XADD', prefix .. 'inbox:' .. shard, 'MAXLEN', '~', '100000', '*', 'event', event)
end

local function tell(shard, event)
  tellText(shard, cjson.encode(event))
end

-- Processes keep a timer each: they are told when something is due earlier than anything before.
local function becomesDue(due, member, atMs)
  redis.call('ZADD', prefix .. due, atMs, member)
  if redis.call('ZRANGE', prefix .. due, 0, 0)[1] == member then redis.call('PUBLISH', prefix .. 'due', atMs) end
end

-- Every contact of a set is to be looked at anew, by whichever process comes first.
local function lookAgainAt(contactIds)
  for _, contactId in ipairs(contactIds) do becomesDue('due:contacts', contactId, ARGV[1]) end
end
