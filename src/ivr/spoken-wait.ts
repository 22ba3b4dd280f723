import { minuteMs, secondMs } from '../foundation/index.ts';
import type { SpokenWait } from './say.ts';

/** An estimate below `belowMs`, and not below that of the class before, is spoken of as `wait`. */
interface WaitClass {
  readonly belowMs: number;
  readonly wait: SpokenWait;
}

const between = (minutes: number, toMinutes: number): SpokenWait => ({ kind: 'between', minutes, toMinutes });

/**
 * As people speak, wider with distance. «Меньше минуты» is said below 45 s only, so that what takes a little longer than thought is still
 * less than a minute; between two and a half and three minutes the caller is told the longer wait.
 */
export const waitClasses: readonly WaitClass[] = [
  { belowMs: 45 * secondMs, wait: { kind: 'lessThan', minutes: 1 } },
  { belowMs: 1.5 * minuteMs, wait: { kind: 'about', minutes: 1 } },
  { belowMs: 2.5 * minuteMs, wait: { kind: 'about', minutes: 2 } },
  { belowMs: 5 * minuteMs, wait: between(3, 5) },
  { belowMs: 10 * minuteMs, wait: between(5, 10) },
  { belowMs: 15 * minuteMs, wait: between(10, 15) },
  { belowMs: 20 * minuteMs, wait: between(15, 20) },
  { belowMs: 30 * minuteMs, wait: between(20, 30) },
  { belowMs: 60 * minuteMs, wait: between(30, 60) },
  { belowMs: Number.POSITIVE_INFINITY, wait: { kind: 'moreThan', minutes: 60 } },
];

/**
 * How far an estimate has to be beyond the edge of the class last said before another one is: an estimate of minutes moves by its tenth
 * with every contact that ends.
 */
const edgeShare = 0.15;
const leastEdgeMs = 10 * secondMs;

/** What a caller has been told of his wait. Plain JSON, stored with the contact. */
export interface SaidWait {
  /** Index in `waitClasses`. */
  readonly waitClass: number;
  /** The instant the words have promised at the latest; undefined after «больше часа». */
  readonly promisedByMs?: number;
}

/** What to say of an estimate, after what has been said. */
export interface WaitToSay {
  readonly wait: SpokenWait;
  /**
   * `longer`: even the shortest the words can mean ends after what was promised, which has to be owned up to. `kept`: what was promised
   * still stands.
   */
  readonly change: 'first' | 'kept' | 'longer';
  /** To be stored once it is said. */
  readonly said: SaidWait;
}

/**
 * The words for an estimate of the time still to wait. They change only when the estimate has clearly left the class last said, and a
 * promise is never extended silently: repeating «около двух минут» two minutes later is `longer`.
 */
export function waitToSay(estimateMs: number, nowMs: number, before: SaidWait | undefined): WaitToSay {
  const waitClass = classOf(Math.max(0, estimateMs), before?.waitClass);
  const wait = waitAt(waitClass);
  const { fromMs, toMs } = meaningOf(wait);
  const promised = before?.promisedByMs;
  const change =
    before === undefined ? 'first' : promised !== undefined && nowMs + fromMs > promised ? 'longer' : 'kept';
  const latest = toMs === undefined ? undefined : nowMs + toMs;
  const promisedByMs = change === 'kept' ? earlier(promised, latest) : latest;
  return { wait, change, said: { waitClass, ...(promisedByMs === undefined ? {} : { promisedByMs }) } };
}

function earlier(left: number | undefined, right: number | undefined): number | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return Math.min(left, right);
}

function classOf(estimateMs: number, last: number | undefined): number {
  if (last !== undefined) {
    const lower = waitClasses[last - 1]?.belowMs ?? 0;
    const upper = waitClasses[last]?.belowMs ?? Number.POSITIVE_INFINITY;
    if (estimateMs >= lower - edgeMs(lower) && estimateMs < upper + edgeMs(upper)) return last;
  }
  const found = waitClasses.findIndex(({ belowMs }) => estimateMs < belowMs);
  return found < 0 ? waitClasses.length - 1 : found;
}

function edgeMs(boundMs: number): number {
  return Math.max(leastEdgeMs, boundMs * edgeShare);
}

/** A class of an earlier version of the table may be beyond its end. */
function waitAt(waitClass: number): SpokenWait {
  return waitClasses[waitClass]?.wait ?? { kind: 'moreThan', minutes: 60 };
}

/** What a caller may take the words to mean: «около двух минут» is anything that rounds to two. */
function meaningOf(wait: SpokenWait): { readonly fromMs: number; readonly toMs?: number } {
  const minutes = wait.minutes * minuteMs;
  switch (wait.kind) {
    case 'lessThan':
      return { fromMs: 0, toMs: minutes };
    case 'about':
      return { fromMs: minutes - minuteMs / 2, toMs: minutes + minuteMs / 2 };
    case 'between':
      return { fromMs: minutes, toMs: wait.toMinutes * minuteMs };
    case 'moreThan':
      return { fromMs: minutes };
  }
}
