import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Heard } from '../../src/contact/ports.ts';
import { asId, type ContactId, type LegId, newId } from '../../src/foundation/index.ts';
import type { OpenPort, realTelephonyWorld } from '../../test/support/telephony-world.ts';
import { type Trial, writeTrial } from './trials.ts';

export interface Verdict {
  readonly trial: Omit<Trial, 'samples'>;
  readonly heard: Heard;
  /** From the last sound to the verdict: negative when it came before. */
  readonly afterSoundMs: number;
  /** From the answer. */
  readonly afterAnswerMs: number;
}

const limitMs = 15_000;
const contactId = asId<ContactId>('c0recognition');

/** Calls a citizen who sounds like that, over SIP and RTP, and tells what the product made of him. */
export async function callOnce(
  world: Awaited<ReturnType<typeof realTelephonyWorld>>,
  { port, heard }: OpenPort,
  given: { readonly trial: Trial; readonly number: string; readonly dir: string },
): Promise<Verdict> {
  const { trial, number, dir } = given;
  const file = await writeTrial(trial, join(dir, `${number.slice(1)}.wav`));
  const behaviour = { kind: 'answer', afterMs: 100, ...(file !== undefined && { says: file }) } as const;
  const citizen = world.phones.citizen({ number, behaviour, audio: trial.audio });
  const legId = newId<LegId>(`${contactId}.o`, Date.now());
  const request = { legId, contactId, number, trunk: 'carrier', callerIdNumber: '+78001000001' };
  await port.dialCaller({ ...request, ringTimeoutMs: limitMs, recogniseMachines: true });
  const answered = await heard.event('legAnswered', (event) => event.legId === legId, limitMs);
  const leg = await citizen.nextCall(limitMs);
  const answeredAtMs = leg.answeredAtMs ?? Number.NaN;
  await port.hangup(legId, 'normal');
  await heard.event('legEnded', (event) => event.legId === legId, limitMs);
  if (file !== undefined) await rm(file);
  const { samples: _samples, ...told } = trial;
  const afterAnswerMs = answered.atMs - answeredAtMs;
  return {
    trial: told,
    heard: answered.heard ?? 'unsure',
    afterAnswerMs,
    afterSoundMs: afterAnswerMs - trial.soundEndsMs,
  };
}
