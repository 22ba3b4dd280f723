import type { CallBackWanted, callBackRefusals, HangupOutcome } from './flow.ts';
import type { SayItem, SpokenWait } from './say.ts';

/** What the flow may know about the contact; computed afresh for every step. */
export interface FlowFacts {
  readonly line: {
    readonly id: string;
    readonly open: boolean;
    /** When operators are next there, in the line's time zone. `date` ISO, `time` `HH:mm`, `dayOffset` days from today. */
    readonly opens?: { readonly date: string; readonly time: string; readonly dayOffset: number };
    /** `HH:mm` of today's closing. */
    readonly closesTime?: string;
  };
  readonly aniKnown: boolean;
  /** The caller has a place in a queue, and can go back to it. */
  readonly waiting?: boolean;
  /** How long he has to wait on, in the words chosen for it. */
  readonly expectedWait?: SpokenWait;
  /** Personal data. With or without the leading plus. */
  readonly aniDigits?: string;
}

/** What happened. `played` is the end of the prompt of the last `play`, never of one that was stopped. */
export type FlowInput =
  /** Without `node` at the flow's entry; `topic` is what the caller has chosen before. */
  | { readonly kind: 'enter'; readonly node?: string; readonly topic?: string }
  | { readonly kind: 'played' }
  | { readonly kind: 'digit'; readonly digit: string }
  | { readonly kind: 'timer' }
  | { readonly kind: 'recorded'; readonly seconds: number; readonly by: 'key' | 'limit' | 'silence' }
  | { readonly kind: 'requestStored'; readonly caseNumber: string }
  | { readonly kind: 'requestFailed' }
  | { readonly kind: 'callBackPromised'; readonly at: SpokenInstant }
  | { readonly kind: 'callBackRefused'; readonly why: CallBackRefusal; readonly next?: SpokenInstant };

/** An instant as a caller is told it, in the line's time zone. `date` ISO, `time` `HH:mm`, `dayOffset` days from today. */
export interface SpokenInstant {
  readonly date: string;
  readonly time: string;
  readonly dayOffset: number;
}

/** What a caller may want: as soon as an operator is free, at an hour (of his own time, if he said which) of a day from today, after the next opening. */
export type FlowCallBackWish =
  | { readonly kind: 'soon' }
  | { readonly kind: 'at'; readonly dayOffset: number; readonly hour: number }
  | { readonly kind: 'nextOpening' };

/** `noRoom`: no day has any left. `tooFar`: so far ahead none is promised. `zoneUnknown`: he may be called at that hour only if he says where he is. */
export type CallBackRefusal = (typeof callBackRefusals)[number];

/** `keyed` is E.164, whatever notation the caller keyed. Personal data. */
export type CallBackNumber = 'ani' | { readonly keyed: string };

/**
 * What to do, in this order. There is one prompt and one input timer at a time: a `play` never comes while another prompt plays
 * (a `stopPlay` is before it), a `startTimer` never while the timer runs (a `cancelTimer` is before it).
 */
export type Instruction =
  | { readonly type: 'play'; readonly say: readonly SayItem[] }
  | { readonly type: 'stopPlay' }
  | { readonly type: 'startTimer'; readonly ms: number }
  | { readonly type: 'cancelTimer' }
  /** Answered by `recorded`. The message of a request is the last one recorded before its `storeRequest`. */
  | { readonly type: 'record'; readonly maxMs: number; readonly finishKey: '#' }
  | { readonly type: 'stopRecord' }
  /** Answered by `requestStored` or `requestFailed`. */
  | { readonly type: 'storeRequest'; readonly topic: string; readonly callBackNumber: CallBackNumber }
  /** Answered by `callBackPromised` or `callBackRefused`. `localHour`: what o'clock it is where the caller is, if he said so. */
  | {
      readonly type: 'promiseCallBack';
      readonly topic: string;
      readonly callBackNumber: CallBackNumber;
      readonly wish: FlowCallBackWish;
      readonly localHour?: number;
    }
  | { readonly type: 'enqueue'; readonly queueId: string; readonly topic: string }
  /** Back to the queue the caller has a place in. */
  | { readonly type: 'resume' }
  | { readonly type: 'hangup'; readonly outcome: HangupOutcome }
  /** For the timeline; no personal data. */
  | { readonly type: 'note'; readonly kind: NoteKind; readonly facts: Readonly<Record<string, string | number>> };

export type NoteKind =
  | 'topicChosen'
  | 'wrongKey'
  | 'noInput'
  | 'triesExhausted'
  | 'numberRefused'
  | 'messageEmpty'
  | 'callBackRefused';

/** `menu`: a menu node's keys. `number` (what was keyed, a telephone number or an hour), `message`: 1 keeps, 2 does it again. */
export type Question = 'menu' | 'number' | 'message';
/** Whether the prompt is still playing or the input timer runs. */
type Hearing = 'prompt' | 'silence';

/**
 * saying ──played──▶ (next node) · asking/collecting ──key, timer──▶ … · announcing ─▶ recording ─▶ asking · storing ─▶ saying · over;
 * storing: a request or a call-back, until it is known to be kept or not.
 */
export type PositionState =
  /** `nextNode` is where it goes when the prompt has ended; without it the caller is let go, or goes back to his queue. */
  | { readonly phase: 'saying'; readonly nextNode?: string }
  | { readonly phase: 'asking'; readonly question: Question; readonly hearing: Hearing; readonly tries: number }
  | { readonly phase: 'collecting'; readonly hearing: Hearing; readonly tries: number }
  /** `toneOnly` when the caller has cut the prompt short. */
  | { readonly phase: 'announcing'; readonly toneOnly: boolean; readonly tries: number }
  | { readonly phase: 'recording'; readonly tries: number }
  | { readonly phase: 'storing' }
  | { readonly phase: 'notEntered' }
  /** The flow has let go of the caller: queued or hung up. */
  | { readonly phase: 'over' };

/** What was said so far of calling this caller back. */
export interface CallBackTalk {
  readonly wanted?: CallBackWanted;
  /** The day he chose, from today, and the hour. */
  readonly dayOffset?: number;
  readonly hour?: number;
  /** What o'clock it is where he is: his hours are of that clock. */
  readonly localHour?: number;
  readonly promised?: SpokenInstant;
  /** No answer has come yet; one that comes late still counts. */
  readonly isAsked?: true;
  /** When it could be, as the last refusal said. */
  readonly next?: SpokenInstant;
  /** How often it was refused in all: never set back, so that asking again has an end. */
  readonly refusals?: number;
}

/** Where a contact is in its flow. Plain JSON, to be stored with the contact. */
export interface FlowPosition {
  readonly node: string;
  readonly state: PositionState;
  /** Menus gone through, the last one last: the way back. */
  readonly history: readonly string[];
  readonly topic?: string;
  readonly messageSeconds?: number;
  readonly requestNumber?: string;
  readonly callBack?: CallBackTalk;
  /** Personal data: keyed digits and the call-back number chosen. Never logged. */
  readonly secret: { readonly digits: string; readonly callBack?: CallBackNumber };
}

/** Why an input changed nothing. */
export type IgnoredInput =
  | 'alreadyEntered'
  | 'notEntered'
  | 'over'
  | 'keyNotAwaited'
  | 'lateTerminator'
  | 'nothingPlaying'
  | 'noTimerRunning'
  | 'notRecording'
  | 'notStoring';

export interface FlowStep {
  readonly position: FlowPosition;
  readonly instructions: readonly Instruction[];
  readonly ignored?: IgnoredInput;
}
