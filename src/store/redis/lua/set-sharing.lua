-- What the rule of sharing goes by from now on in a queue.
-- Arguments: queueId, keepIdle, "1" when call-backs press, share, costMs. Result: "done".
redis.call(
  'HSET', prefix .. 'sharing:' .. argument(1),
  'keepIdle', argument(2), 'presses', argument(3), 'share', argument(4), 'costMs', argument(5)
)
-- What is saved up stays.
redis.call('HSETNX', prefix .. 'sharing:' .. argument(1), 'availableMs', '0')
redis.call('HSETNX', prefix .. 'sharing:' .. argument(1), 'atMs', ARGV[1])
redis.call('SADD', prefix .. 'sharing-queues', argument(1))
return 'done'
