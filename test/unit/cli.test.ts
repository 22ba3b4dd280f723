import t from 'tap';
import { keptFor, Redrawing } from '../../src/cli/redrawing.ts';
import { FakeClock, settled } from '../support/fake-clock.ts';

/** Drawings that end when told. */
function drawings() {
  const clock = new FakeClock(0);
  const begun: number[] = [];
  const faults: unknown[] = [];
  let end = Promise.withResolvers<void>();
  const redrawing = new Redrawing({
    clock,
    draw: () => {
      begun.push(clock.nowMs());
      end = Promise.withResolvers<void>();
      return end.promise;
    },
    onFault: (error) => faults.push(error),
    restMs: 2_000,
    idleMs: 15_000,
  });
  const ends = async (fault?: Error): Promise<void> => {
    if (fault === undefined) end.resolve();
    else end.reject(fault);
    await settled();
  };
  return { clock, begun, faults, redrawing, ends };
}

t.test('drawn anew when something has happened, at rest for a while after each drawing', async (t) => {
  const { clock, begun, redrawing, ends } = drawings();
  redrawing.ask();
  redrawing.ask();
  await clock.moveTo(2_000);
  t.same(begun, [2_000]);
  for (let atMs = 2_100; atMs <= 9_000; atMs += 100) {
    await clock.moveTo(atMs);
    redrawing.ask();
  }
  t.same(begun, [2_000], 'never two at once');
  await ends();
  await clock.moveTo(10_999);
  t.same(begun, [2_000]);
  await clock.moveTo(11_000);
  t.same(begun, [2_000, 11_000], 'what was asked for meanwhile is drawn after the rest');
});

t.test('drawn now and then when nothing happens, also after a fault, until it is stopped', async (t) => {
  const { clock, begun, faults, redrawing, ends } = drawings();
  await clock.moveTo(15_000);
  await ends(new Error('away'));
  await clock.moveTo(30_000);
  t.same(begun, [15_000, 30_000]);
  t.equal(faults.length, 1);
  redrawing.stop();
  await ends();
  redrawing.ask();
  await clock.moveTo(99_000);
  t.equal(begun.length, 2);
});

t.test('an answer is kept for its time, a failure not', async (t) => {
  const clock = new FakeClock(0);
  let asked = 0;
  const ask = keptFor(clock, 60_000, async () => {
    asked += 1;
    if (asked === 1) throw new Error('away');
    return asked;
  });
  await t.rejects(ask(), { message: 'away' });
  t.equal(await ask(), 2);
  await clock.moveTo(59_999);
  t.equal(await ask(), 2);
  await clock.moveTo(60_000);
  t.equal(await ask(), 3);
});
