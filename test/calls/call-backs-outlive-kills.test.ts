import t from 'tap';
import { configureHotline } from '../../bench/chaos/hotline.ts';
import { victims } from '../../bench/chaos/kills.ts';
import { figuresOf } from '../../bench/chaos/report.ts';
import { runChaos } from '../../bench/chaos/run.ts';
import { startTestStack } from '../support/stack.ts';

/** As `npm run chaos:call-backs`, in short. */
const kills = 8;
const settleLimitMs = 100_000;

t.setTimeout(300_000);
void t.test('every promise outlives the service and Redis, and no attempt is dialled twice', async (t) => {
  const stack = await startTestStack({ edit: (_change, configDir) => configureHotline(configDir) });
  t.teardown(async () => await stack.stop());
  const result = await runChaos(stack, { kills, seed: 'suite', settleLimitMs, onProgress: (line) => t.comment(line) });
  const figures = figuresOf(result);
  t.comment(JSON.stringify(figures));
  t.same(figures.faults, []);
  t.ok(figures.promises >= kills, `${figures.promises} promises`);
  t.equal(figures.kept, figures.promises, 'all of them are kept');
  t.same(Object.keys(figures.byVictim), victims.toSorted(), 'both were killed, and both together');
  t.ok(stack.witness.mostChannels > 0, 'the witness saw channels before');
});
