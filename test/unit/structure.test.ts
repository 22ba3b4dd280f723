import { join } from 'node:path';
import t from 'tap';
import { checkFile, checkTree } from '../../scripts/check-imports.ts';

t.test('the rooms import one another only downwards and through their doors', async (t) => {
  const { files, violations } = checkTree(join(import.meta.dirname, '../../src'));
  t.ok(files > 50, `${files} files read`);
  t.same(violations, []);
});

t.test('planted violations are found', async (t) => {
  const rule = (file: string, text: string) => checkFile(file, text).map((violation) => violation.rule);
  t.same(rule('acd/service.ts', "import { step } from '../ivr/index.ts';"), ['sideways']);
  t.same(rule('contact/shard.ts', "import { x } from '../telephony/index.ts';"), ['upwards']);
  t.same(rule('api/routes.ts', "import { createRedisStores } from '../store/redis/index.ts';"), ['sideways']);
  t.same(rule('contact/shard.ts', "import { render } from '../ivr/render.ts';"), ['insideOfRoom']);
  t.same(rule('schedule/evaluate.ts', "import Redis from 'ioredis';"), ['driverInRoom']);
  t.same(rule('schedule/evaluate.ts', "const x = await import('../store/redis/index.ts');"), ['upwards']);
  t.same(rule('attic/thing.ts', "import { x } from '../ivr/index.ts';"), ['unknownRoom']);
  t.same(
    rule(
      'contact/shard.ts',
      "import type { QueueEvent } from '../acd/ports.ts';\nimport { x } from '../foundation/index.ts';",
    ),
    [],
  );
});
