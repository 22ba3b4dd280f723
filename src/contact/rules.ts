import type { Ladder, LimitDestination } from '../acd/index.ts';
import type { CallBackSettings } from '../callbacks/index.ts';
import type {
  Announcements,
  FlowCallBackWish,
  FlowFacts,
  FlowInput,
  FlowPosition,
  FlowStep,
  SayItem,
  SpokenInstant,
} from '../ivr/index.ts';
import type { WishAnswer } from './spoken-times.ts';

/** How one line's contacts are treated. */
export interface LineRules {
  readonly lineId: string;
  readonly flowId: string;
  readonly language: string;
  readonly recording: 'all' | 'none';
}

export interface QueueRules {
  readonly queueId: string;
  readonly ringTimeoutMs: number;
  readonly wrapUpMs: number;
  /** What waiting callers hear between announcements; music unless said otherwise. */
  readonly waiting?: 'music' | 'silence';
  /** They are told at the beginning that they wait, unless said otherwise. */
  readonly welcome?: boolean;
  readonly ladder?: Ladder;
  /** How its callers are called back; absent: they are not. */
  readonly callBacks?: CallBackSettings;
  /** Who has talked with the caller since then is asked first; absent: nobody is looked for. */
  readonly lastOperatorWithinMs?: number;
  /** Who gave up here gets his place back when he calls again so soon. */
  readonly abandonedPlaceMs?: number;
  /** Who waits when his line closes is served for `graceMs`, and then goes there. */
  readonly closing?: { readonly graceMs: number; readonly to: LimitDestination };
  /** Where a contact goes instead of waiting here. */
  readonly limits?: {
    readonly length?: { readonly to: LimitDestination };
    readonly nobodyLoggedIn?: { readonly to: LimitDestination };
    readonly wait?: { readonly afterMs: number; readonly to: LimitDestination };
  };
}

/** What a caller is told and offered while he waits. */
export interface WaitingRules {
  /** Without the keys that his flow has nothing for. */
  readonly announcements?: Announcements;
  /** Where his flow offers the choice of the queue's ladder. */
  readonly choiceNode?: string;
}

/**
 * What the machine asks of the configuration: pure, for one version of it. Contacts keep the version they arrived under.
 */
export interface ContactRules {
  readonly version: string;
  /** Spoken where no line says which. */
  readonly language: string;
  /** Callers are looked up at their arrival, as call-backs and places of theirs may be open; absent: no queue has either. */
  readonly returning?: { readonly abandonedWithinMs: number };
  line(lineId: string): LineRules | undefined;
  queue(queueId: string): QueueRules | undefined;
  /** Of a caller of this line in this queue. */
  waiting(queueId: string, lineId: string | undefined): WaitingRules;
  /** The line that has this number, in any notation. */
  lineByDialled(dialled: string): { readonly e164: string; readonly lineId: string | undefined };
  /** E.164, or empty when withheld. */
  callerNumber(ani: string): string;
  /** Whether operators are there for callers of this line at `atMs`, and until when; undefined for a line that is not known. */
  lineHours(lineId: string, atMs: number): { readonly open: boolean; readonly closesAtMs?: number } | undefined;
  /** The queue that callers of this line with this topic are called back from. */
  callBackQueue(lineId: string, topic: string): string | undefined;
  /** What the caller wants, as instants. `localHour`: what o'clock he says it is where he is. */
  callBackWish(query: {
    readonly lineId: string;
    readonly atMs: number;
    readonly wish: FlowCallBackWish;
    /** E.164; personal data. */
    readonly number: string;
    readonly localHour?: number;
  }): WishAnswer;
  /** An instant as callers of this line are told it at `askedAtMs`. */
  spoken(lineId: string, atMs: number, askedAtMs: number): SpokenInstant;
  /** How a caller of this line is told that he will be called back, not before `dueAtMs`. */
  promisedSpeech(lineId: string, dueAtMs: number, nowMs: number): readonly SayItem[];
  /** What a flow may ask about the world at `atMs`. */
  flowFacts(query: {
    readonly lineId: string;
    readonly atMs: number;
    readonly ani: string;
    readonly language: string;
  }): FlowFacts;
  /** Undefined `position` starts the flow. */
  flowStep(flowId: string, position: FlowPosition | undefined, input: FlowInput, facts: FlowFacts): FlowStep;
  /** Sound ids of what is to be said. */
  render(items: readonly SayItem[], language: string): readonly string[];
  /** How callers of the line are called back: over which trunk, showing which number; undefined: not at all. */
  dialling(lineId: string): { readonly trunk: string; readonly callerIdNumber: string } | undefined;
  /** What the operator's phone shows beside the caller's number. */
  offerTitle(lineId: string | undefined, topic: string): string;
}
