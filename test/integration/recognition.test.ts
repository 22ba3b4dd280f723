import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { callOnce } from '../../bench/recognition/call.ts';
import { planTrials } from '../../bench/recognition/trials.ts';
import { realTelephonyWorld } from '../support/telephony-world.ts';

/** From the whole measurement: what must always go well. */
const wanted = [
  ['human-allo-festival', 'clear', 'human'],
  ['human-da-slushayu-espeak-woman', 'quiet', 'human'],
  ['human-allo-kto-eto-festival', 'noisy', 'human'],
  ['human-privet-recorded', 'clear', 'human'],
  ['machine-vne-zony-festival', 'clear', 'machine'],
  ['machine-nedostupen-recorded', 'clear', 'machine'],
  ['machine-ne-otvechaet-espeak-woman', 'clear', 'machine'],
  ['nobody-speaks', 'clear', 'silence'],
  ['nothing-is-sent', 'clear', 'silence'],
] as const;

/** A human who has spoken waits no longer than this. */
const mostAfterSoundMs = 1_200;
const dir = mkdtempSync(join(tmpdir(), 'dozvon-recognition-'));

t.setTimeout(90_000);
void t.test('who answers a call-back is recognised by what is heard of him', { timeout: 90_000 }, async (t) => {
  const world = await realTelephonyWorld();
  t.teardown(async () => {
    await world.stop();
    rmSync(dir, { recursive: true });
  });
  const open = await world.open();
  t.teardown(async () => await open.port.stop());
  const trials = planTrials(world.asterisk.settings.program.musicDir);
  await Promise.all(
    wanted.map(async ([name, condition, heard], i) => {
      const trial = trials.find((one) => one.name === name && one.condition === condition);
      if (trial === undefined) throw new Error(`no answer ${name}, ${condition}`);
      const verdict = await callOnce(world, open, { trial, number: `+7900200000${i}`, dir });
      t.equal(verdict.heard, heard, `${name}, ${condition}`);
      if (heard === 'human') t.ok(verdict.afterSoundMs < mostAfterSoundMs, `${Math.round(verdict.afterSoundMs)} ms`);
    }),
  );
});
