import { assertNever } from '../foundation/index.ts';
import { pressFor } from './announcements.ts';
import type { FlowSay } from './flow.ts';
import { hourFrom } from './keyed.ts';
import type { FlowFacts, FlowPosition } from './position.ts';
import type { SayItem } from './say.ts';
import { instantToSay } from './spoken-promise.ts';

/** Turns what a flow says into items, with the values of this moment. A value not known and without `otherwise` says nothing. */
export function speechOf(entries: readonly FlowSay[], position: FlowPosition, facts: FlowFacts): readonly SayItem[] {
  return entries.flatMap((entry) => {
    if (typeof entry === 'string') return [{ prompt: entry }];
    if ('hint' in entry) return pressFor(entry.hint, entry.key);
    const value = valueItems(entry.value, position, facts);
    if (value === undefined) return entry.otherwise === undefined ? [] : [{ prompt: entry.otherwise }];
    return [
      ...(entry.before === undefined ? [] : [{ prompt: entry.before }]),
      ...value,
      ...(entry.behind === undefined ? [] : [{ prompt: entry.behind }]),
    ];
  });
}

type SayValue = Extract<FlowSay, { value: unknown }>['value'];

function valueItems(value: SayValue, position: FlowPosition, facts: FlowFacts): readonly SayItem[] | undefined {
  switch (value) {
    case 'opens': {
      const opens = facts.line.opens;
      if (opens === undefined) return undefined;
      return [
        { date: opens.date, dayOffset: opens.dayOffset },
        { time: opens.time, form: 'с' },
      ];
    }
    case 'closes':
      return facts.line.closesTime === undefined ? undefined : [{ time: facts.line.closesTime, form: 'до' }];
    case 'callerNumber':
      return facts.aniDigits === undefined ? undefined : [{ digits: asDialled(facts.aniDigits) }];
    case 'keyedNumber':
      return position.secret.digits === '' ? undefined : [{ digits: position.secret.digits }];
    case 'requestNumber':
      return position.requestNumber === undefined ? undefined : [{ digits: position.requestNumber }];
    case 'messageSeconds':
      return position.messageSeconds === undefined
        ? undefined
        : [{ number: Math.max(1, Math.round(position.messageSeconds)), noun: 'second' }];
    case 'expectedWait':
      return facts.expectedWait === undefined ? undefined : [{ wait: facts.expectedWait }];
    case 'keyedHour': {
      const hour = hourFrom(position.secret.digits);
      return hour === undefined ? undefined : [{ time: `${`${hour}`.padStart(2, '0')}:00`, form: 'в' }];
    }
    case 'callBackAt': {
      const { promised, wanted = 'soon' } = position.callBack ?? {};
      const asSoonAsPossible = wanted === 'soon' && promised?.dayOffset === 0 && facts.line.open;
      return promised === undefined || asSoonAsPossible ? undefined : instantToSay(promised);
    }
    case 'callBackNext': {
      const { next } = position.callBack ?? {};
      return next === undefined ? undefined : instantToSay(next);
    }
    default:
      return assertNever(value, 'value said by a flow');
  }
}

/** People in Russia name their numbers with the trunk prefix 8, not with the country code. */
function asDialled(e164: string): string {
  const digits = e164.replace(/\D/g, '');
  return digits.length === 11 && digits.startsWith('7') ? `8${digits.slice(1)}` : digits;
}
