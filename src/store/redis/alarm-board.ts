import type { Redis } from 'ioredis';
import type { AlarmBoard, AlarmState } from '../../acd/ports.ts';
import { asked } from './connection.ts';
import type { Scripts } from './scripts.ts';

/** What alarms stand at, in Redis. */
export class RedisAlarmBoard implements AlarmBoard {
  readonly #client: Redis;
  readonly #scripts: Scripts;
  readonly #prefix: string;

  constructor(parts: { readonly client: Redis; readonly scripts: Scripts; readonly prefix: string }) {
    this.#client = parts.client;
    this.#scripts = parts.scripts;
    this.#prefix = parts.prefix;
  }

  async all(): Promise<ReadonlyMap<string, AlarmState>> {
    const written = await asked('reading the alarms', () => this.#client.hgetall(`${this.#prefix}alarms`));
    return new Map(Object.entries(written).map(([alarmId, text]) => [alarmId, readAlarm(text)]));
  }

  change(alarmId: string, ...[{ from, to }, event]: AlarmChange): Promise<'changed' | 'unchanged'> {
    const args = [alarmId, from ? alarmText(from) : '', alarmText(to), event.kind, JSON.stringify(event.facts)];
    return this.#scripts.word('change-alarm', { nowMs: to.sinceMs, args });
  }
}

type AlarmChange = Parameters<AlarmBoard['change']> extends [string, ...infer Rest] ? Rest : never;

/** "state sinceMs about": compared as a text. */
function alarmText({ state, sinceMs, about }: AlarmState): string {
  return `${state} ${sinceMs} ${about}`;
}

function readAlarm(text: string): AlarmState {
  const [state, sinceMs] = text.split(' ', 2);
  return {
    state: state === 'raised' ? 'raised' : 'over',
    sinceMs: Number(sinceMs),
    about: text.slice(`${state} ${sinceMs} `.length),
  };
}
