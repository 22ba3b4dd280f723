import { pressFor } from './announcements.ts';
import type { SayItem, SpokenWait } from './say.ts';
import { asDialled } from './speech.ts';

/** When a call-back is promised for, in the time of the person it is said to. */
export type CallBackTime =
  /** As soon as the place in the queue comes up. */
  | { readonly kind: 'soon' }
  /** ISO date, days from today, `HH:mm`. */
  | { readonly kind: 'at'; readonly date: string; readonly dayOffset: number; readonly time: string }
  | {
      readonly kind: 'between';
      readonly date: string;
      readonly dayOffset: number;
      readonly from: string;
      readonly to: string;
    };

/** «сегодня с четырнадцати до пятнадцати часов», «завтра в десять часов», «в понедельник, двенадцатого января, …»; nothing for `soon`. */
export function callBackTime(at: CallBackTime): readonly SayItem[] {
  if (at.kind === 'soon') return [];
  const day: SayItem = { date: at.date, dayOffset: at.dayOffset, form: 'full' };
  if (at.kind === 'at') return [day, { time: at.time, form: 'в' }];
  return [day, { interval: { from: at.from, to: at.to } }];
}

/** Two sentences for one thing: without a time, and with one behind it. */
type TimedPrompt = 'call-back-promised' | 'call-back-already' | 'closing-offer';

/** «Звонок заказан. Мы перезвоним вам завтра в десять часов»; of `soon`: «… как только подойдёт ваша очередь». */
export function timed(prompt: TimedPrompt, at: CallBackTime): readonly SayItem[] {
  return at.kind === 'soon' ? [{ prompt: `${prompt}-soon` }] : [{ prompt }, ...callBackTime(at)];
}

/** The number a caller holds at the end, said twice: of a call-back or of a request. */
export function heldNumber(of: 'call-back-number' | 'request-number', number: string): readonly SayItem[] {
  return [{ prompt: of }, { digits: number }, { prompt: 'request-number-again' }, { digits: number }];
}

/** Only after what it promises is stored. */
export function callBackPromise(promise: { readonly at: CallBackTime; readonly number: string }): readonly SayItem[] {
  return [
    ...timed('call-back-promised', promise.at),
    { prompt: 'numerals/pause' },
    ...heldNumber('call-back-number', promise.number),
    { prompt: 'call-back-hang-up' },
  ];
}

/** Keys 1–8 for times, 9 says it again, 0 is for other times. */
const mostTimes = 8;

/** «Сегодня с четырнадцати до пятнадцати часов, нажмите один. …»; more than eight times are not offered at once. */
export function timesToChoose(times: readonly CallBackTime[]): readonly SayItem[] {
  const offered = times.slice(0, mostTimes).flatMap((at, index): readonly SayItem[] => {
    const when: readonly SayItem[] = at.kind === 'soon' ? [{ prompt: 'numerals/soonest' }] : callBackTime(at);
    return [...when, { prompt: 'numerals/press' }, { key: `${index + 1}` }, { prompt: 'numerals/pause' }];
  });
  return [
    { prompt: 'call-back-times' },
    ...offered,
    ...pressFor('press-other-time', '0'),
    ...pressFor('press-again', '9'),
  ];
}

/** Reads back a number to be called, E.164 or as keyed, the way it is dialled here. */
export function numberToConfirm(number: string, source: 'ani' | 'keyed'): readonly SayItem[] {
  const prompt = source === 'ani' ? 'your-number' : 'you-entered';
  return [{ prompt }, { digits: asDialled(number) }];
}

/** At arrival, or when it comes due: how long it will be, and what can be done instead of waiting. */
export function choiceWithEstimate(wait: SpokenWait): readonly SayItem[] {
  return [{ prompt: 'arrival-wait' }, { wait }, { prompt: 'numerals/pause' }, { prompt: 'menu-arrival-choice' }];
}

/** Operator first: what the operator hears before the caller is dialled. `attempt` counts from 1; the first is not named. */
export function operatorBeforeCallBack(call: {
  readonly number: string;
  readonly attempt: number;
}): readonly SayItem[] {
  const attempt: readonly SayItem[] =
    call.attempt > 1 ? [{ prompt: 'operator-attempt' }, { number: call.attempt }] : [];
  return [{ prompt: 'operator-call-back' }, { digits: asDialled(call.number) }, ...attempt];
}

/** What the person called hears first, whichever side was rung first. `late`: after the promised time. */
export function calledBack(call: {
  readonly mode: 'operatorFirst' | 'callerFirst';
  readonly punctuality: 'inTime' | 'late';
}): readonly SayItem[] {
  return [
    { prompt: 'call-back-from-hotline' },
    ...(call.punctuality === 'late' ? [{ prompt: 'call-back-late' }] : []),
    { prompt: 'recording-notice-short' },
    { prompt: call.mode === 'operatorFirst' ? 'connect-operator' : 'menu-call-back-accept' },
  ];
}
