import { fileURLToPath } from 'node:url';
import type { CitizenBehaviour } from '../../src/phones/index.ts';
import { eventually } from './calls.ts';
import type { ChangeConfig, TestStack } from './stack.ts';

/** Landlines of Moscow; what o'clock it is there is the test's to say. */
const dayCode = '495';

/** Where it is noon now, whenever the test runs: a call-back may be dialled, and the day has room for promises. */
const noonZone = zoneWhereItIs(12);

function zoneWhereItIs(hour: number): string {
  const behind = hour - new Date().getUTCHours();
  const offset = behind < -12 ? behind + 24 : behind;
  // By POSIX, what lies east of Greenwich has a minus.
  return offset === 0 ? 'Etc/GMT' : `Etc/GMT${offset > 0 ? '-' : '+'}${Math.abs(offset)}`;
}

/** For a test call: what is promised on it is kept now, so that its clock is the one on the wall. */
export function now(): string {
  return new Date().toISOString();
}

export function dayNumber(n: number): string {
  return `+7${dayCode}${5_550_000 + n}`;
}

const answers = fileURLToPath(new URL('../fixtures/answers/', import.meta.url));
/** What is heard of who answers. */
export const human = `${answers}human-allo-festival.wav`;
export const machine = `${answers}machine-nedostupen-recorded.wav`;

/** Picks up soon and says his «алло». */
export const picksUp: CitizenBehaviour = { kind: 'answer', afterMs: 300, says: human };
export const isBusy: CitizenBehaviour = { kind: 'refuse', as: 'busy' };
export const isMachine: CitizenBehaviour = { kind: 'answer', afterMs: 300, says: machine };
export const isSilent: CitizenBehaviour = { kind: 'answer', afterMs: 300 };

/** The shortest there is. */
export const retryMs = 10_000;

/** Whoever was not reached is tried again as soon as may be. */
export function triesAgainSoon(change: ChangeConfig): void {
  change('call-backs.yaml', (sheet) => {
    const outcomes = ['busy', 'noAnswer', 'declined', 'unreachable', 'machine', 'silence', 'operatorGone', 'unknown'];
    const retry = Object.fromEntries(outcomes.map((outcome) => [`${outcome}Ms`, retryMs]));
    const { queues: named } = sheet.toJS() as { readonly queues: Readonly<Record<string, object>> };
    for (const [queueId, own] of Object.entries(named)) {
      sheet.setIn(['queues', queueId], sheet.createNode({ ...own, retry, spreadMs: 0 }));
    }
  });
}

/** Every line is open now and for the rest of a long day, and whoever was not reached is tried again as soon as may be. */
export function callBackConfig(change: ChangeConfig): void {
  change('hotline.yaml', (hotline) => {
    const { lines } = hotline.toJS() as { readonly lines: readonly unknown[] };
    for (const i of lines.keys()) hotline.setIn(['lines', i, 'schedule'], 'here');
    hotline.addIn(['schedules'], { id: 'here', name: 'Where it is noon', timeZone: noonZone, always: true });
  });
  change('number-zones.yaml', (zones) => {
    zones.setIn(['areas'], zones.createNode([{ country: 'RU', zones: [noonZone], codes: [dayCode] }]));
  });
  triesAgainSoon(change);
}

/** A call-back as the API shows it; what the tests look at. */
export interface ShownCallBack {
  readonly callBackId: string;
  readonly state: string;
  readonly number: string;
  readonly queueId: string;
  readonly placeAt: string;
  readonly dueAt: string;
  readonly contactId?: string;
  readonly promisedBy: string;
  readonly reason?: string;
  readonly attempts: readonly {
    readonly number: number;
    readonly contactId: string;
    readonly startedAt: string;
    readonly endedAt?: string;
    readonly outcome?: string;
  }[];
}

/** Every call-back there is, newest first. */
export async function callBacks(stack: TestStack): Promise<readonly ShownCallBack[]> {
  return (await stack.api.get<{ items: readonly ShownCallBack[] }>('/call-backs?limit=200')).items;
}

/** Resolves with all call-backs when they are as wanted. */
export async function untilCallBacks(
  stack: TestStack,
  wanted: (all: readonly ShownCallBack[]) => boolean,
  { what, withinMs }: { readonly what: string; readonly withinMs?: number },
): Promise<readonly ShownCallBack[]> {
  return await eventually(async () => await callBacks(stack), wanted, what, withinMs);
}

export function isOver({ state }: ShownCallBack): boolean {
  return ['done', 'failed', 'cancelled'].includes(state);
}
