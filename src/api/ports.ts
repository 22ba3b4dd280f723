import type {
  AcdService,
  AlarmBoard,
  CallBackOutlook,
  QueueForecast,
  TallyPeriod,
  TargetSettings,
  TimeZoneLines,
  WaitRecords,
} from '../acd/index.ts';
import type { CallBackRepository, CallBackService } from '../callbacks/index.ts';
import type { CaseRepository, Outbox } from '../cases/index.ts';
import type { ContactRecordStore } from '../contact/store-ports.ts';
import type { AuditJournal, Clock } from '../foundation/index.ts';
import type { ScheduleVerdict } from '../schedule/index.ts';
import type { LiveStream } from './live-events.ts';

/** A part the service cannot do its work without. */
export interface HealthProbe {
  readonly part: 'asterisk' | 'redis' | 'postgres';
  /** Resolves when the part answers; the API bounds the wait. */
  check(): Promise<void>;
}

/** A line with what its schedule says this moment. */
export interface LineNow {
  readonly lineId: string;
  readonly name: string;
  readonly numbers: readonly string[];
  readonly scheduleId: string;
  /** IANA name; instants of the verdict are shown on this wall. */
  readonly timeZone: string;
  readonly verdict: ScheduleVerdict;
}

/** Call-backs as the API shows, promises and cancels them. */
export interface CallBackApi
  extends Pick<CallBackService, 'promise' | 'letGo' | 'cancel'>,
    Pick<CallBackRepository, 'get' | 'list' | 'answered'> {
  /** What a call-back of the line is about when nothing else is said; undefined: no such line. */
  line(lineId: string): { readonly queueId: string; readonly topic: string; readonly language: string } | undefined;
  /** By queue. */
  outlooks(): ReadonlyMap<string, CallBackOutlook>;
}

/** Service level, targets and what is to be expected. */
export interface LevelPorts {
  readonly waits: WaitRecords;
  readonly targets: TargetSettings;
  readonly zones: readonly TimeZoneLines[];
  /** Hours or days as the wall of a zone shows them, that touch the range. */
  readonly periodsOf: (
    timeZone: string,
    unit: 'hour' | 'day',
    range: { readonly fromMs: number; readonly untilMs: number },
  ) => readonly TallyPeriod[];
  readonly startOfDayMs: (timeZone: string, atMs: number) => number;
  readonly forecasts: () => readonly QueueForecast[];
  readonly alarms: Pick<AlarmBoard, 'all'>;
}

/** What the API shows and does, wired by app.ts. Rooms' services as they are; stores by their ports. */
export interface ApiPorts {
  readonly acd: Pick<
    AcdService,
    | 'queuesNow'
    | 'queueSettings'
    | 'waitingContacts'
    | 'waitingContact'
    | 'whyNot'
    | 'moveContact'
    | 'setHeadStart'
    | 'withdraw'
    | 'operators'
    | 'operator'
    | 'signIn'
    | 'signOut'
    | 'setPresence'
    | 'notReadyNext'
    | 'setSkills'
    | 'endWrapUp'
    | 'extendWrapUp'
  >;
  readonly lines: () => readonly LineNow[];
  /** Where callers are called back. */
  readonly callBacks?: CallBackApi;
  readonly records: Pick<ContactRecordStore, 'get' | 'list'>;
  readonly events: LiveStream;
  readonly cases: Pick<CaseRepository, 'findByNumber'>;
  readonly outbox: Pick<Outbox, 'list'>;
  readonly journal: AuditJournal;
  readonly levels: LevelPorts;
  readonly health: readonly HealthProbe[];
  /** E.164 of a caller's number in any notation; undefined when it is none. */
  readonly normaliseAni: (text: string) => string | undefined;
  readonly clock: Clock;
}
