import { parseArgs } from 'node:util';
import { type HotlineConfig, type Line, lineByDnis, normaliseDialled } from '../config/index.ts';
import { messageOf, secondMs } from '../foundation/index.ts';
import { evaluateSchedule } from '../schedule/index.ts';

export type HangUpIn = 'menu' | 'queue' | 'ringing' | 'talk';

/** Keys pressed at one place of the flow, or something said for so long and ended with "#". */
export type Utterance =
  | { readonly kind: 'keys'; readonly keys: string }
  | { readonly kind: 'message'; readonly lastsMs: number };

/** What `dozvon call` was asked for. */
export interface CallPlan {
  readonly number: string;
  readonly utterances: readonly Utterance[];
  readonly hangUpIn?: HangUpIn;
  readonly withOperator: boolean;
  /** He orders a call-back while he waits, hangs up, and is called. */
  readonly callBack: boolean;
  /** Extension; chosen by the queue when left out. */
  readonly operator?: string;
  readonly ani?: string;
  /** ISO 8601 with an offset: the instant at which the schedule is evaluated. */
  readonly at?: string;
  readonly talkMs: number;
  readonly json: boolean;
}

/** What has to happen for the call to count as good. */
export type Goal = 'unknownNumber' | 'closed' | 'menu' | 'queue' | 'ringing' | 'talk' | 'callBack';

const usage = `usage: npm run call -- NUMBER [--keys 1] [--operator 101] [--hang-up-in menu|queue|ringing|talk] [--no-operator]
                          [--at 2027-01-03T15:00+03:00] [--talk-seconds 3] [--ani NUMBER|withheld] [--json]
       npm run call -- NUMBER --call-back [--keys 1] [--operator 101] [--at …] [--talk-seconds 3] [--ani NUMBER] [--json]
  --keys   one key for each menu; with commas, what to enter at each place, for example 4,1,1,s5,1: s5 says something for 5 seconds
  --call-back   nobody answers at first: the caller orders a call-back by keys, hangs up, and is called`;

const places: readonly string[] = ['menu', 'queue', 'ringing', 'talk'];
const longestTalkSeconds = 600;

/** The plan, or one sentence with the usage. */
export function parseCallArgs(args: readonly string[]): CallPlan | string {
  const fault = (sentence: string): string => `${sentence}\n${usage}`;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        keys: { type: 'string' },
        operator: { type: 'string' },
        'hang-up-in': { type: 'string' },
        'no-operator': { type: 'boolean', default: false },
        'call-back': { type: 'boolean', default: false },
        at: { type: 'string' },
        'talk-seconds': { type: 'string', default: '3' },
        ani: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const [number, ...more] = positionals;
    if (number === undefined || more.length > 0) return fault(`expected one number to call, got ${positionals.length}`);
    const utterances = parseKeys(values.keys ?? '');
    if (utterances === undefined) return fault(`--keys: expected keys 0-9, * and #, got ${values.keys ?? ''}`);
    const place = values['hang-up-in'];
    if (place !== undefined && !places.includes(place)) {
      return fault(`--hang-up-in: expected one of ${places.join(', ')}, got ${place}`);
    }
    const talkSeconds = Number(values['talk-seconds']);
    if (!(talkSeconds >= 1 && talkSeconds <= longestTalkSeconds)) {
      return fault(`--talk-seconds: expected 1 to ${longestTalkSeconds}, got ${values['talk-seconds']}`);
    }
    if (values.at !== undefined && !isInstant(values.at)) {
      return fault(`--at: expected an instant such as 2027-01-03T15:00+03:00, got ${values.at}`);
    }
    if (values['no-operator'] && (place === 'ringing' || place === 'talk')) {
      return fault(`--no-operator: nobody can be ${place === 'talk' ? 'talked to' : 'rung'} without an operator`);
    }
    const callBack = values['call-back'];
    if (callBack && (values['no-operator'] || place !== undefined)) {
      return fault(
        '--call-back: somebody has to be there when he is called, and he hangs up himself: leave --no-operator and --hang-up-in out',
      );
    }
    if (callBack && values.ani === 'withheld') return fault('--call-back: a withheld number cannot be called');
    return {
      number,
      utterances,
      callBack,
      withOperator: !values['no-operator'] && place !== 'queue' && place !== 'menu',
      talkMs: talkSeconds * secondMs,
      json: values.json,
      ...(place === undefined ? {} : { hangUpIn: place as HangUpIn }),
      ...(values.operator === undefined ? {} : { operator: values.operator }),
      ...(values.ani === undefined ? {} : { ani: values.ani }),
      ...(values.at === undefined ? {} : { at: values.at }),
    };
  } catch (error) {
    return fault(messageOf(error));
  }
}

/** `12` is a key at each of two places; `4,1,s5,9161234567#` is what is entered at each of four. */
function parseKeys(text: string): readonly Utterance[] | undefined {
  const groups = text.includes(',') ? text.split(',') : text.split('');
  const utterances = groups.map((group): Utterance | undefined => {
    const seconds = /^s(\d{1,3})$/.exec(group)?.[1];
    if (seconds !== undefined) return { kind: 'message', lastsMs: Number(seconds) * secondMs };
    return /^[0-9*#]+$/.test(group) ? { kind: 'keys', keys: group } : undefined;
  });
  return utterances.every((utterance) => utterance !== undefined) ? utterances : undefined;
}

function isInstant(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** The line that the number belongs to; undefined: none. */
export function lineOf(number: string, config: HotlineConfig): Line | undefined {
  const dialled = normaliseDialled(number, { defaultCountry: config.settings.country });
  if (!dialled.ok) return undefined;
  return lineByDnis(config, dialled.kind === 'e164' ? dialled.e164 : dialled.code);
}

/** What is to happen at that instant, and when the line opens again where it is closed. */
export function goalOf(
  plan: CallPlan,
  config: HotlineConfig,
  atMs: number,
): { readonly goal: Goal; readonly line?: Line; readonly opensAtMs?: number } {
  const line = lineOf(plan.number, config);
  if (line === undefined) return { goal: 'unknownNumber' };
  const schedule = config.schedules[line.scheduleId];
  const verdict = schedule === undefined ? undefined : evaluateSchedule(schedule, config.calendar, atMs);
  if (verdict?.open === false && plan.hangUpIn !== 'menu') {
    return { goal: 'closed', line, ...(verdict.opensAtMs === undefined ? {} : { opensAtMs: verdict.opensAtMs }) };
  }
  if (plan.callBack) return { goal: 'callBack', line };
  return { goal: plan.hangUpIn ?? (plan.withOperator ? 'talk' : 'queue'), line };
}
