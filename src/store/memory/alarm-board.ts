import type { AlarmBoard, AlarmState } from '../../acd/ports.ts';
import type { EventLog } from './event-log.ts';

/** What alarms stand at, in memory. */
export class MemoryAlarmBoard implements AlarmBoard {
  readonly #events: EventLog;
  readonly #alarms = new Map<string, AlarmState>();

  constructor(events: EventLog) {
    this.#events = events;
  }

  async all(): Promise<ReadonlyMap<string, AlarmState>> {
    return new Map(this.#alarms);
  }

  async change(
    ...[alarmId, { from, to }, { kind, facts }]: Parameters<AlarmBoard['change']>
  ): Promise<'changed' | 'unchanged'> {
    if (!isSame(this.#alarms.get(alarmId), from)) return 'unchanged';
    this.#alarms.set(alarmId, to);
    this.#events.append({ source: 'system', entry: { atMs: to.sinceMs, kind, facts } });
    return 'changed';
  }
}

function isSame(one: AlarmState | undefined, other: AlarmState | undefined): boolean {
  return one?.state === other?.state && one?.sinceMs === other?.sinceMs && one?.about === other?.about;
}
