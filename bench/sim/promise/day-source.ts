import { asId, type ContactId, dayMs, hourMs, secondMs } from '../../../src/foundation/index.ts';
import { epochMs } from '../contact-source.ts';
import { RandomStream } from '../random.ts';

/** Days of one kind: the line is open for the hours of the shape and closed for the rest of the day. */
export interface DayPlan {
  readonly id: string;
  /** Shown: the load of every hour, or of the busiest. */
  readonly load: number;
  readonly operators: number;
  readonly ahtMs: number;
  readonly meanPatienceMs: number;
  /** Offered work over the operators' time, for each hour the line is open. */
  readonly hourlyLoad: readonly number[];
}

/** A caller, with all that he will do: the same for every system that serves him. */
export interface DayContact {
  readonly contactId: ContactId;
  readonly number: number;
  readonly day: number;
  readonly atMs: number;
  readonly handlingMs: number;
  /** He hangs up after so long without an operator, whatever he has been told. */
  readonly patienceMs: number;
  /** Takes the call-back or request when he may choose (each time anew). */
  readonly accepts: readonly [onArrival: boolean, later: boolean];
  /** Stays on the line with what he was promised. */
  readonly stays: boolean;
  /** Where in a day he would be called back, 0–1 of what the day can take. */
  readonly chosen: number;
  /** Whether he picks up when called back, for each attempt. */
  readonly picksUp: readonly boolean[];
}

/** What callers do. Half take the choice; one in five who hold a number stay on the line; one dialling in seven is not picked up. */
export const behaviour = { accepts: 0.5, stays: 0.2, picksUp: 6 / 7, attempts: 3 } as const;

const operators = 23;
const ahtMs = 300 * secondMs;
/** "Patience 180 s" of the reference values. */
const meanPatienceMs = 180 * secondMs;
const openHours = 12;
/** A morning rush of twice what the operators can do, a quieter afternoon; 1.0 on the mean. */
const dayShape = [0.7, 1.2, 1.8, 2, 1.5, 1, 0.8, 0.8, 0.7, 0.6, 0.5, 0.4] as const;

export function dayPlans(): readonly DayPlan[] {
  const constant = [0.8, 1, 1.3].map((load) => ({
    id: `constant-${load}`,
    load,
    hourlyLoad: Array.from({ length: openHours }, () => load),
  }));
  const shaped = { id: 'day-2', load: Math.max(...dayShape), hourlyLoad: dayShape };
  return [...constant, shaped].map((plan) => ({ ...plan, operators, ahtMs, meanPatienceMs }));
}

export function opensAtMs(day: number): number {
  return epochMs + day * dayMs;
}

export function closesAtMs(plan: DayPlan, day: number): number {
  return opensAtMs(day) + plan.hourlyLoad.length * hourMs;
}

export function arrivalsPerHour(plan: DayPlan, hour: number): number {
  return ((plan.hourlyLoad[hour] ?? 0) * plan.operators * hourMs) / plan.ahtMs;
}

/** Whole days until at least `contacts` have come. */
export function daysFor(plan: DayPlan, contacts: number): number {
  const aDay = plan.hourlyLoad.reduce((sum, _, hour) => sum + arrivalsPerHour(plan, hour), 0);
  return Math.max(1, Math.ceil(contacts / aDay));
}

/** The callers of all days, in order. */
export class DaySource {
  readonly #plan: DayPlan;
  readonly #arrivals: RandomStream;
  readonly #handling: RandomStream;
  readonly #patience: RandomStream;
  readonly #choices: RandomStream;
  #number = 0;

  constructor(plan: DayPlan, seed: string) {
    this.#plan = plan;
    this.#arrivals = new RandomStream(seed, 'arrivals');
    this.#handling = new RandomStream(seed, 'handling');
    this.#patience = new RandomStream(seed, 'patience');
    this.#choices = new RandomStream(seed, 'choices');
  }

  *day(day: number): Generator<DayContact> {
    for (const hour of this.#plan.hourlyLoad.keys()) {
      const meanGapMs = hourMs / arrivalsPerHour(this.#plan, hour);
      const untilMs = (hour + 1) * hourMs;
      // Arrivals at random have no memory: each hour begins anew.
      for (let atMs = hour * hourMs + this.#gap(meanGapMs); atMs < untilMs; atMs += this.#gap(meanGapMs)) {
        yield this.#contact(day, opensAtMs(day) + Math.floor(atMs));
      }
    }
  }

  #gap(meanMs: number): number {
    return this.#arrivals.exponential(meanMs);
  }

  #contact(day: number, atMs: number): DayContact {
    const number = this.#number;
    this.#number += 1;
    const choices = this.#choices;
    return {
      contactId: asId<ContactId>(`c${String(number).padStart(9, '0')}`),
      number,
      day,
      atMs,
      handlingMs: Math.max(1, Math.round(this.#handling.exponential(this.#plan.ahtMs))),
      patienceMs: Math.round(this.#patience.exponential(this.#plan.meanPatienceMs)),
      accepts: [choices.chance(behaviour.accepts), choices.chance(behaviour.accepts)],
      stays: choices.chance(behaviour.stays),
      chosen: choices.uniform(),
      picksUp: Array.from({ length: behaviour.attempts }, () => choices.chance(behaviour.picksUp)),
    };
  }
}
