import { hourMs } from '../foundation/index.ts';
import { type EstimateErrors, type EstimateErrorView, errorView, noErrors, withError } from './estimate-error.ts';
import {
  arrivalsPerMs,
  certainArrivalsPerMs,
  type ExpectedRates,
  meanHandlingMs,
  meanPatienceMs,
  noRates,
  type ObservedRates,
  withArrival,
  withHandling,
  withWait,
} from './observed-rates.ts';

/** How a wait on the line ended. */
export interface ObservedWait {
  readonly waitMs: number;
  /** `left`: the caller hung up with nothing. Who leaves for a call-back or a request, or is taken out by staff, has not given up. */
  readonly end: 'answered' | 'left' | 'otherwise';
  /** What he was told at first, if anything. */
  readonly estimateMs?: number | undefined;
}

/** What a queue's estimates and forecasts rest on, and how far off the estimates were. */
export interface ObservedQueue {
  readonly handlingMs: number;
  readonly meanPatienceMs: number;
  /** Undefined until something has been seen. */
  readonly arrivalsPerHour?: number;
  /** What of them is beyond chance, for alarms. Undefined in the first minutes. */
  readonly certainPerHour?: number;
  readonly estimateError?: EstimateErrorView;
}

/** What this process has seen of its queues since it started, and of what the event stream still held then. Every process reads the same events and comes to the same figures. */
export class QueueObservations {
  readonly #startedAtMs: number;
  readonly #queues = new Map<string, { readonly rates: ObservedRates; readonly errors: EstimateErrors }>();

  constructor(nowMs: number) {
    this.#startedAtMs = nowMs;
  }

  /** A caller has entered the queue. */
  arrived(queueId: string, atMs: number): void {
    const { rates, errors } = this.#seen(queueId, atMs);
    this.#queues.set(queueId, { rates: withArrival(rates, atMs), errors });
  }

  /** The error counts for those who were answered: what the others would have waited nobody knows. */
  waited(queueId: string, wait: ObservedWait): void {
    const { rates, errors } = this.#seen(queueId);
    const { waitMs, end, estimateMs } = wait;
    this.#queues.set(queueId, {
      rates: withWait(rates, { waitMs, end: end === 'left' ? 'left' : 'otherwise' }),
      errors: end === 'answered' && estimateMs !== undefined ? withError(errors, { estimateMs, waitMs }) : errors,
    });
  }

  /** From answer to the end of wrap-up, call-backs included. */
  handled(queueId: string, handlingMs: number): void {
    const { rates, errors } = this.#seen(queueId);
    this.#queues.set(queueId, { rates: withHandling(rates, handlingMs), errors });
  }

  of(queueId: string, now: { readonly nowMs: number; readonly expected: ExpectedRates }): ObservedQueue {
    const { rates, errors } = this.#seen(queueId);
    const arrivals = arrivalsPerMs(rates, now.nowMs);
    const certain = certainArrivalsPerMs(rates, now.nowMs);
    const estimateError = errorView(errors);
    return {
      handlingMs: meanHandlingMs(rates, now.expected),
      meanPatienceMs: meanPatienceMs(rates, now.expected),
      ...(arrivals === undefined ? {} : { arrivalsPerHour: arrivals * hourMs }),
      ...(certain === undefined ? {} : { certainPerHour: certain * hourMs }),
      ...(estimateError === undefined ? {} : { estimateError }),
    };
  }

  /** What is read of the time before the start counts from there. */
  #seen(queueId: string, atMs = this.#startedAtMs): { readonly rates: ObservedRates; readonly errors: EstimateErrors } {
    const sinceMs = Math.min(atMs, this.#startedAtMs);
    return this.#queues.get(queueId) ?? { rates: noRates(sinceMs), errors: noErrors };
  }
}
