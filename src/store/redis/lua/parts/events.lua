-- Appends a move to the common event stream. The bound: one million entries (about 300 MB), whatever readers do.
local function publish(kind, who, facts)
  if ARGV[3] ~= '' then
    facts.actor = ARGV[3]
    facts.reason = ARGV[4]
  end
  redis.call(
    'XADD', prefix .. 'events', 'MAXLEN', '~', '1000000', '*',
    'source', 'queue', 'contactId', who.contactId or '', 'operatorId', who.operatorId or '',
    'atMs', ARGV[1], 'kind', kind, 'facts', cjson.encode(facts)
  )
end

-- Tells the owner of the shard. The bound holds when a shard has no owner for long: 100,000 entries.
local function tell(shard, event)
  redis.call('XADD', prefix .. 'inbox:' .. shard, 'MAXLEN', '~', '100000', '*', 'event', cjson.encode(event))
end
