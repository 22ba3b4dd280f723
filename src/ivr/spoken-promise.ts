import type { SpokenInstant } from './position.ts';
import type { SayItem } from './say.ts';

/** «сегодня после девяти часов», «завтра в понедельник после девяти часов»: nobody is called to the minute. */
export function instantToSay(at: SpokenInstant): readonly SayItem[] {
  return [
    { date: at.date, dayOffset: at.dayOffset, form: 'full' },
    { time: at.time, form: 'после' },
  ];
}

/** The number a caller holds at the end, said twice. */
export function heldNumber(of: 'request-number', number: string): readonly SayItem[] {
  return [{ prompt: of }, { digits: number }, { prompt: 'request-number-again' }, { digits: number }];
}
