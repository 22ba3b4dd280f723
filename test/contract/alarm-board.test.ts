import t from 'tap';
import type { AlarmState } from '../../src/acd/ports.ts';
import type { StreamEvent } from '../../src/contact/store-ports.ts';
import { bothStores } from '../support/redis.ts';

const both = await bothStores();
t.teardown(() => both.stop());

const raised: AlarmState = { state: 'raised', about: '2026-11-23T07:00:00.000Z', sinceMs: 1_800_000_000_000 };
const over: AlarmState = { ...raised, state: 'over', sinceMs: 1_800_000_060_000 };
const facts = { target: 'averageSpeedOfAnswer', figure: 31_000.5, queues: ['general'] };

for (const kind of both.kinds) {
  t.test(`the alarm board in ${kind.name}`, async (t) => {
    t.test('an alarm is raised once, by whoever comes first, and told in the same step', async (t) => {
      const { alarms, events } = await kind.open();
      const { afterId } = await events.beginning(undefined);
      const event = { kind: 'targetMissed', facts } as const;
      const results = await Promise.all([
        alarms.change('asa', { from: undefined, to: raised }, event),
        alarms.change('asa', { from: undefined, to: raised }, event),
      ]);
      t.same([...results].sort(), ['changed', 'unchanged']);
      t.same([...(await alarms.all())], [['asa', raised]]);
      t.equal(await alarms.change('asa', { from: over, to: raised }, event), 'unchanged', 'it does not stand there');
      t.equal(await alarms.change('asa', { from: raised, to: over }, { kind: 'targetMet', facts: {} }), 'changed');
      t.same([...(await alarms.all())], [['asa', over]]);

      const told: StreamEvent[] = [];
      const ending = new AbortController();
      const following = events.follow(
        afterId,
        (one) => {
          told.push(one);
          if (told.length === 2) ending.abort();
        },
        ending.signal,
      );
      await following;
      t.match(told, [
        { source: 'system', entry: { atMs: raised.sinceMs, kind: 'targetMissed', facts } },
        { source: 'system', entry: { atMs: over.sinceMs, kind: 'targetMet', facts: {} } },
      ]);
      t.equal(told[0]?.contactId, undefined);
    });
  });
}
