import t from 'tap';
import { newId, withLimit } from '../../src/foundation/index.ts';

t.test('ids made later sort later and hold no colon', async (t) => {
  const first = newId<string>('c', 1_000);
  const second = newId<string>('c', 2_000);
  t.ok(first < second);
  t.match(first, /^c[0-9a-z]{20}$/);
});

t.test('a wait without an answer ends at its limit with a code', async (t) => {
  await t.rejects(withLimit(new Promise(() => {}), 10, 'nothing'), { code: 'TIMED_OUT' });
});
