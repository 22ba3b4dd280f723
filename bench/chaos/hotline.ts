import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DateTime } from 'luxon';
import { parse, stringify } from 'yaml';
import type { AttemptOutcome } from '../../src/callbacks/index.ts';
import type { HotlineConfig } from '../../src/config/index.ts';
import { hourMs, secondMs } from '../../src/foundation/index.ts';

/** Callers of the line press one key and are promised a call-back. */
export const line = { id: 'general', number: '88001000001' } as const;

/** One queue for each mode; in the second somebody listens who answers. */
export const queues = { general: 'operatorFirst', technical: 'callerFirst' } as const;
export type ChaosQueue = keyof typeof queues;

/** So many that the rule of sharing, which keeps operators idle for live callers (src/acd/sharing.ts), leaves six for call-backs. */
const operatorCount = 12;
export const operatorIds: readonly string[] = Array.from({ length: operatorCount }, (_, i) => `chaos${i + 1}`);

/** The shortest that is allowed, after whatever outcome: a run is to see many retries. */
export const retryMs = 10 * secondMs;
const outcomes: readonly Exclude<AttemptOutcome, 'reached'>[] = [
  'busy',
  'noAnswer',
  'declined',
  'unreachable',
  'machine',
  'silence',
  'operatorGone',
  'unknown',
];

/**
 * The hotline of the reference configuration, at any time of day: the line is always open and the clocks of its zone and of all callers'
 * show nine in the morning, so that nothing is put off to another day.
 */
export function configureHotline(dir: string): void {
  const zone = zoneOfMorning(Date.now());
  change(join(dir, 'hotline.yaml'), (hotline) => {
    for (const schedule of entriesOf(hotline, 'schedules'))
      if (schedule.id === 'always') Object.assign(schedule, { timeZone: zone, exceptions: [closedBefore] });
    // All of them: a queue can call back while some line is open whose callers come to it.
    for (const one of entriesOf(hotline, 'lines'))
      Object.assign(one, { schedule: 'always', ...(one.id === line.id && { flow: 'promise' }) });
    for (const queue of entriesOf(hotline, 'queues'))
      Object.assign(queue, { expectedHandlingMs: 5 * secondMs, wrapUpMs: 200 });
    entriesOf(hotline, 'operators').push(
      ...operatorIds.map((id, i) => ({
        id,
        extension: String(201 + i),
        name: `Оператор ${i + 1}`,
        skills: { general: 8, technical: 8 },
      })),
    );
  });
  const settings = {
    ringTimeoutMs: 6 * secondMs,
    mostAttempts: 10,
    retry: Object.fromEntries(outcomes.map((outcome) => [`${outcome}Ms`, retryMs])),
    withinDays: 1,
    spreadMs: 0,
    expectedOperators: operatorCount,
  };
  change(join(dir, 'call-backs.yaml'), (sheet) => {
    sheet.queues = {
      general: { ...settings, mode: queues.general, recogniseMachines: false },
      technical: { ...settings, mode: queues.technical },
    };
  });
  writeFileSync(join(dir, 'number-zones.yaml'), stringify({ areas: [], countries: { RU: [zone] } }));
  writeFileSync(join(dir, 'flows', 'promise.yaml'), promiseFlow);
}

/** The line is closed until noon of that day, on whatever clock; whoever calls just before it is promised a call-back by a key, due when it opens. */
const closedBefore = {
  start: '2026-02-03T12:00',
  end: '2026-02-04T12:00',
  hours: 'closed',
  reason: 'Test',
};

/** Long enough before the opening to be answered by a closed line. */
export function promisingAt({ schedules }: Pick<HotlineConfig, 'schedules'>): string {
  const zone = schedules.always?.timeZone ?? 'UTC';
  return (
    DateTime.fromISO(closedBefore.end, { zone })
      .minus(4 * secondMs)
      .toUTC()
      .toISO() ?? ''
  );
}

const promiseFlow = `
id: promise
include: [after-hours, call-back, waiting]
entry: hours
nodes:
  hours: { type: branch, when: open, yes: connectOperator, no: offer }
  connectOperator: { type: enqueue, queue: general }
  offer:
    type: menu
    say: [{ hint: press-call-back-place, key: '1' }]
    keys: { '1': { to: promised, callBack: ani } }
    noInput: [no-input]
    wrongKey: [wrong-key]
    onExhausted: callBackSoon
  promised: { type: goto, to: callBack, wish: soon }
`;

/** In which it is between nine and ten in the morning now. POSIX counts zones westwards. */
function zoneOfMorning(nowMs: number): string {
  const hour = Math.floor(nowMs / hourMs) % 24;
  const offset = ((9 - hour + 36) % 24) - 12;
  return offset === 0 ? 'Etc/GMT' : `Etc/GMT${offset > 0 ? '-' : '+'}${Math.abs(offset)}`;
}

type Document = Record<string, unknown>;

function change(file: string, edit: (document: Document) => void): void {
  const document = parse(readFileSync(file, 'utf8')) as Document;
  edit(document);
  writeFileSync(file, stringify(document));
}

function entriesOf(document: Document, name: string): Document[] {
  const entries = document[name];
  if (!Array.isArray(entries)) throw new Error(`expected a list of ${name} in the configuration`);
  return entries as Document[];
}
