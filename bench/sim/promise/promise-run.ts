import { performance } from 'node:perf_hooks';
import { defaultSharing, type Ladder, referenceLadder, type SharingRule } from '../../../src/acd/index.ts';
import { createMemoryStores } from '../../../src/store/memory/index.ts';
import { type DayPlan, DaySource, dayPlans, daysFor } from './day-source.ts';
import { type EstimateErrorRow, estimateErrors } from './estimate-errors.ts';
import { Peer } from './peer.ts';
import { PromiseLine } from './promise-line.ts';
import { daysAhead } from './promises.ts';

export interface PromiseOptions {
  readonly seed: string;
  readonly length: 'full' | 'short';
  readonly onProgress: (line: string) => void;
}

/** The rules that callers are served by. */
export interface PromiseRules {
  readonly rule: SharingRule;
  readonly ladder: Ladder;
}

/** One load: what is published of it, and what else is known. */
export interface LoadRun {
  readonly figures: LoadFigures;
  readonly details: LoadDetails;
}

/** One load, as it is published. Shares to four digits: by chance alone they vary in the fourth. */
export interface LoadFigures {
  /** Of every hour, or of the busiest. */
  readonly load: number;
  readonly contacts: number;
  readonly concludedBy120s: number;
  readonly answeredBy120s: number;
  readonly peerAnsweredBy120s: number;
  readonly promisesKept: number;
  readonly callbackDelayP95S: number;
  /** Call-backs not made when the line closes, a day. */
  readonly backlogAtEnd: number;
  readonly averageSpeedOfAnswerS: number;
}

/** What else is known of it. */
export interface LoadDetails {
  readonly id: string;
  readonly days: number;
  /**
   * Contacts answered within 120 s here less those of the peer, with half the width of the 95 % interval: of the contacts that only one of the two
   * answered in time, chance alone would have half fall to either (McNemar).
   */
  readonly answeredMore: number;
  readonly answeredMoreHalfWidth: number;
  readonly notConcluded: number;
  readonly left: number;
  readonly callBacks: number;
  readonly forToday: number;
  readonly broken: number;
  readonly requests: number;
  readonly callbackDelayP50S: number;
  readonly peerAverageSpeedOfAnswerS: number;
}

export interface PromiseResult {
  readonly seed: string;
  readonly length: 'full' | 'short';
  readonly loads: readonly LoadFigures[];
  readonly details: readonly LoadDetails[];
  readonly estimates: readonly EstimateErrorRow[];
  /** The worst of them. */
  readonly estimateErrorRatio: number;
  readonly tookSeconds: number;
}

const contactsOf = { full: 100_000, short: 7_000 } as const;
const estimatedContacts = { full: 100_000, short: 5_000 } as const;
export const referenceRules: PromiseRules = { rule: defaultSharing, ladder: referenceLadder({}) };
const targets = { answeredOfPeer: 0.97, promisesKept: 0.99, estimateErrorRatio: 1.15 } as const;
/**
 * First come first served is the most that these operators can answer in time, so whatever is done for those it leaves out costs something: a few contacts in
 * 100,000. Shares this close are the same: from one seed to the next they differ by as much.
 */
const sameShare = 0.0005;
/** From this load on the promise may cost live callers something. */
const fullLoad = 1;

export async function promiseRun(options: PromiseOptions): Promise<PromiseResult> {
  const startedMs = performance.now();
  const { seed, onProgress } = options;
  const rows: LoadRun[] = [];
  for (const plan of dayPlans()) {
    const row = await loadRun(plan, { seed, contacts: contactsOf[options.length], rules: referenceRules });
    onProgress(`load ${plan.id}: ${row.figures.contacts} contacts on ${row.details.days} days`);
    rows.push(row);
  }
  const estimates = estimateErrors({ seed, contacts: estimatedContacts[options.length] });
  onProgress(`estimates: ${estimates.length} loads`);
  return {
    seed,
    length: options.length,
    loads: rows.map(({ figures }) => figures),
    details: rows.map(({ details }) => details),
    estimates,
    estimateErrorRatio: Math.max(...estimates.map(({ ratio }) => ratio)),
    tookSeconds: (performance.now() - startedMs) / 1_000,
  };
}

/** What misses its target, one sentence each. */
export function promiseFaults(result: PromiseResult): readonly string[] {
  const faults = result.loads.flatMap((figures, i) => {
    const details = result.details[i];
    return details === undefined ? [] : loadFaults({ figures, details });
  });
  if (result.estimateErrorRatio > targets.estimateErrorRatio) {
    faults.push(`estimates are ${result.estimateErrorRatio} times as far off as the oracle's`);
  }
  return faults;
}

export function loadFaults({ figures, details }: LoadRun): readonly string[] {
  const { load, contacts, answeredBy120s, peerAnsweredBy120s, promisesKept } = figures;
  const faults: string[] = [];
  const fault = (text: string): void => void faults.push(`load ${load}: ${text}`);
  if (details.notConcluded > 0) fault(`${details.notConcluded} callers without a concluded end by 120 s`);
  if (load >= fullLoad && answeredBy120s < targets.answeredOfPeer * peerAnsweredBy120s) {
    fault(`answered ${answeredBy120s} is below ${targets.answeredOfPeer} × ${peerAnsweredBy120s}`);
  }
  if (load < fullLoad && details.answeredMore < -sameShare * contacts) {
    fault(`${-details.answeredMore} contacts fewer answered than by first come first served`);
  }
  if (promisesKept < targets.promisesKept) fault(`only ${promisesKept} of the promises kept`);
  return faults;
}

/** Whole days with at least so many contacts, and the same contacts by first come first served. */
export async function loadRun(
  plan: DayPlan,
  run: { readonly seed: string; readonly contacts: number; readonly rules: PromiseRules },
): Promise<LoadRun> {
  const stores = createMemoryStores();
  const stop = new AbortController();
  // Nobody is rung here, and an inbox that nobody reads grows.
  const reading = stores.inbox.consume('sim', async () => undefined, stop.signal);
  const countedDays = daysFor(plan, run.contacts);
  const line = new PromiseLine(plan, {
    store: stores.queue,
    ...run.rules,
    countedDays,
  });
  const peer = new Peer(plan);
  const source = new DaySource(plan, `${run.seed}/promise/${plan.id}`);
  const only = { here: 0, peer: 0 };
  try {
    await line.begin();
    // What the last days have promised is kept on the days after them.
    for (let day = 0; day < countedDays + daysAhead - 1; day += 1) {
      const contacts = [...source.day(day)];
      await line.serveDay(day, contacts);
      if (day >= countedDays) continue;
      for (const contact of contacts) {
        const byPeer = peer.serve(contact);
        const here = line.tally.inTime.delete(contact.number);
        if (here && !byPeer) only.here += 1;
        if (!here && byPeer) only.peer += 1;
      }
    }
  } finally {
    stop.abort();
    await reading;
    await stores.close();
  }
  return rowOf(plan, { line, peer, only, days: countedDays });
}

function rowOf(
  plan: DayPlan,
  run: {
    readonly line: PromiseLine;
    readonly peer: Peer;
    readonly only: { readonly here: number; readonly peer: number };
    readonly days: number;
  },
): LoadRun {
  const { peer, only, days } = run;
  const { counts, figures } = run.line.tally;
  return {
    figures: {
      load: plan.load,
      contacts: figures.contacts,
      concludedBy120s: rounded(figures.concludedBy120s, 4),
      answeredBy120s: rounded(figures.answeredBy120s, 4),
      peerAnsweredBy120s: rounded(peer.answeredBy120s, 4),
      promisesKept: rounded(figures.promisesKept, 4),
      callbackDelayP95S: rounded(figures.callbackDelayP95S, 0),
      backlogAtEnd: rounded(figures.backlogAtEnd, 2),
      averageSpeedOfAnswerS: rounded(figures.averageSpeedOfAnswerS, 1),
    },
    details: {
      id: plan.id,
      days,
      answeredMore: only.here - only.peer,
      answeredMoreHalfWidth: rounded(1.96 * Math.sqrt(only.here + only.peer), 1),
      notConcluded: counts.contacts - counts.concludedBy120s,
      left: counts.left,
      callBacks: counts.callBacks,
      forToday: counts.today,
      broken: counts.broken,
      requests: counts.requests,
      callbackDelayP50S: rounded(figures.callbackDelayP50S, 0),
      peerAverageSpeedOfAnswerS: rounded(peer.averageSpeedOfAnswerMs / 1_000, 1),
    },
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
