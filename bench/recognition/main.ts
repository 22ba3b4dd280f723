/**
 * `npm run measure:recognition`: how often the product takes a human for a machine and the other way round when a call-back is answered,
 * and how long a human who has spoken waits for it. Real calls over SIP and RTP to citizens who play what answers telephones. See
 * docs/benchmarks.md.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Heard } from '../../src/contact/ports.ts';
import { messageOf } from '../../src/foundation/index.ts';
import { asteriskProgram } from '../../test/support/asterisk.ts';
import { realTelephonyWorld } from '../../test/support/telephony-world.ts';
import { quantile, rounded } from '../measure/figures.ts';
import { machineFacts } from '../measure/machine.ts';
import { isReached, printTable, printTargets, progress, readOptions, type Target } from '../measure/report.ts';
import { callOnce, type Verdict } from './call.ts';
import { type Answerer, conditions, planTrials, type Trial } from './trials.ts';

/** Calls at once: what they cost is time that passes, not work. */
const atOnce = 10;
/** A quick look takes each so-many-th trial; no divisor of the number of conditions, so that all of them are met. */
const shortStep = 5;
const answerers: readonly Answerer[] = ['human', 'machine', 'music', 'silence'];
const verdicts: readonly Heard[] = ['human', 'machine', 'silence', 'unsure'];
/** In a street the lengths of sound say little: it is shown and not judged. */
const judgedConditions: readonly string[] = ['clear', 'quiet', 'noisy'];

function count(seen: readonly Verdict[], fits: (verdict: Verdict) => boolean): number {
  return seen.filter(fits).length;
}

function shareOf(seen: readonly Verdict[], answerer: Answerer, heard: readonly Heard[]): number {
  const judged = seen.filter(
    (one) => one.trial.answerer === answerer && judgedConditions.includes(one.trial.condition),
  );
  return count(judged, (one) => heard.includes(one.heard)) / judged.length;
}

function confusion(seen: readonly Verdict[]): Record<Answerer, Record<Heard, number>> {
  const row = (answerer: Answerer): Record<Heard, number> => {
    const entries = verdicts.map((heard) => [
      heard,
      count(seen, (one) => one.trial.answerer === answerer && one.heard === heard),
    ]);
    return Object.fromEntries(entries) as Record<Heard, number>;
  };
  return Object.fromEntries(answerers.map((answerer) => [answerer, row(answerer)])) as ReturnType<typeof confusion>;
}

async function measure(trials: readonly Trial[]): Promise<readonly Verdict[]> {
  const world = await realTelephonyWorld();
  const dir = await mkdtemp(join(tmpdir(), 'dozvon-recognition-'));
  const seen: Verdict[] = [];
  try {
    const open = await world.open();
    const waiting = [...trials.entries()];
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [i, trial] = next;
        seen.push(await callOnce(world, open, { trial, number: `+7900${String(1_000_000 + i)}`, dir }));
        if (seen.length % 50 === 0) progress(`${seen.length} of ${trials.length} calls`);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    await open.port.stop();
  } finally {
    await world.stop();
    await rm(dir, { recursive: true });
  }
  return seen;
}

function printConfusion(title: string, seen: readonly Verdict[]): void {
  const table = confusion(seen);
  printTable(title, [
    ['who answers', ...verdicts.map((heard) => `heard: ${heard}`)],
    ...answerers.map((answerer) => [answerer, ...verdicts.map((heard) => table[answerer][heard])]),
  ]);
}

const options = readOptions(process.argv.slice(2));
try {
  const machine = machineFacts();
  const all = planTrials((await asteriskProgram()).musicDir);
  const trials = options.short ? all.filter((_trial, i) => i % shortStep === 0) : all;
  const seen = await measure(trials);
  const put = seen.filter((one) => one.trial.answerer === 'human' && one.heard === 'human');
  const delays = put.map((one) => one.afterSoundMs);
  const longest = Math.max(...seen.map((one) => one.afterAnswerMs));
  printConfusion(`All ${seen.length} calls`, seen);
  for (const { name } of conditions)
    printConfusion(
      name,
      seen.filter((one) => one.trial.condition === name),
    );
  const wrong = seen.filter((one) => one.trial.answerer !== 'music' && one.heard !== one.trial.answerer);
  printTable('Not as it was', [
    ['what', 'condition', 'heard', 'ms after the answer'],
    ...wrong.map((one) => [one.trial.name, one.trial.condition, one.heard, Math.round(one.afterAnswerMs)]),
  ]);
  const targets: readonly Target[] = [
    { name: 'humans put through', value: shareOf(seen, 'human', ['human', 'unsure']), limit: 0.95, rule: 'atLeast' },
    {
      name: 'machines kept away',
      value: shareOf(seen, 'machine', ['machine', 'silence']),
      limit: 0.8,
      rule: 'atLeast',
    },
    { name: 'silence kept away', value: shareOf(seen, 'silence', ['silence']), limit: 1, rule: 'atLeast' },
    { name: 'from the last word to the verdict, p95 ms', value: quantile(delays, 0.95), limit: 1_200, rule: 'atMost' },
    { name: 'from the answer to any verdict, ms', value: longest, limit: 6_500, rule: 'atMost' },
  ];
  printTargets(targets);
  if (options.json) {
    const byCondition = Object.fromEntries(
      conditions.map(({ name }) => [name, confusion(seen.filter((one) => one.trial.condition === name))]),
    );
    const delayMs = {
      p50: rounded(quantile(delays, 0.5)),
      p95: rounded(quantile(delays, 0.95)),
      most: rounded(Math.max(...delays)),
    };
    const figures = Object.fromEntries(targets.map(({ name, value }) => [name, rounded(value)]));
    process.stdout.write(
      `${JSON.stringify({ trials: seen.length, confusion: confusion(seen), byCondition, delayMs, figures, machine })}\n`,
    );
  }
  process.exitCode = options.short || targets.every(isReached) ? 0 : 1;
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 2;
}
