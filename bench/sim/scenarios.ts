import {
  impatientServedWithin,
  impatientWaits,
  type OperatorStrategy,
  offeredLoad,
  patientServedWithin,
  patientWaits,
  priorityWaits,
  queueSchema,
  requirementClass,
  type Traffic,
} from '../../src/acd/index.ts';
import { hourMs, minuteMs, secondMs } from '../../src/foundation/index.ts';
import type { ContactKind, TrafficPlan } from './contact-source.ts';
import { operatorsWith, type SimulatedOperator, type SimulatedQueue } from './hotline.ts';
import type { Tally } from './tally.ts';

/** A figure, how it is measured, and what it should be. */
export interface Measure {
  readonly metric: string;
  readonly of: (tally: Tally) => number;
  readonly expected: number;
  /** `atMost`: `expected` is a bound that the whole interval must keep. `shown`: to compare with, not judged. */
  readonly relation: 'equal' | 'atMost' | 'shown';
}

export interface Scenario {
  readonly id: string;
  readonly name: string;
  /** Scenarios with one name here meet the same contacts. */
  readonly contactsOf: string;
  readonly traffic: TrafficPlan;
  readonly queues: readonly SimulatedQueue[];
  readonly operators: readonly SimulatedOperator[];
  /** The queue store, or a model that picks operators at random. */
  readonly router: 'queue' | 'random';
  /** Whose random ups and downs explain the waits: all operators over all contacts, or each group over its own. */
  readonly groups: readonly { readonly kinds: readonly number[]; readonly traffic: Traffic }[];
  /** One class served in order of arrival: each contact's wait is compared with the recursion. */
  readonly pathByPath: boolean;
  /** Contacts counted in one replication of the full run. */
  readonly contacts: number;
  /** Also in the short run, which has to be over before anybody minds. */
  readonly inShort: boolean;
  readonly measures: readonly Measure[];
}

/** "Patience 180 s" of the reference values. */
const meanPatienceMs = 180 * secondMs;
const answerTargetMs = 2 * minuteMs;

/** The strategy of a queue for which nobody names another. */
export const defaultStrategy: OperatorStrategy = queueSchema.shape.strategy.parse(undefined);

/** The reference rows; contacts a replication such that the widest interval comes out near 1.5 % of its value. */
const rows = [
  { arrivalsPerHour: 60, ahtMs: 240 * secondMs, operators: 6, contacts: { patient: 30_000, impatient: 25_000 } },
  { arrivalsPerHour: 120, ahtMs: 240 * secondMs, operators: 11, contacts: { patient: 60_000, impatient: 35_000 } },
  { arrivalsPerHour: 240, ahtMs: 300 * secondMs, operators: 23, contacts: { patient: 70_000, impatient: 45_000 } },
  { arrivalsPerHour: 600, ahtMs: 240 * secondMs, operators: 43, contacts: { patient: 90_000, impatient: 40_000 } },
] as const;

export function theoryScenarios(): readonly Scenario[] {
  return [
    ...rows.map((row) => patientRow(row, row.contacts.patient)),
    ...rows.map((row) => impatientRow(row, row.contacts.impatient)),
    twoPriorities(),
    twoGroups(),
    pool(),
    ...[2, 3, 6].map((skills) => twoSkillOperators(skills)),
  ];
}

/** Contacts before the counted ones: the hotline begins empty, and forgets it in a time AHT / n / (1 − √ρ)² many times over. */
export function warmUpContacts(scenario: Scenario): number {
  const forgotten = scenario.groups.map(({ traffic }) => {
    const occupancy = offeredLoad(traffic) / traffic.operators;
    const relaxationMs = traffic.ahtMs / traffic.operators / (1 - Math.sqrt(occupancy)) ** 2;
    return (20 * relaxationMs * scenario.traffic.arrivalsPerHour) / hourMs;
  });
  return Math.ceil(Math.max(500, ...forgotten));
}

/** A queue that asks for one skill. */
export function queueOf(
  queueId: string,
  skill: string,
  options: { readonly headStartMs?: number; readonly strategy?: OperatorStrategy } = {},
): SimulatedQueue {
  const requirement = requirementClass([{ skill, minLevel: 1 }], options.strategy ?? defaultStrategy);
  return { queueId, requirement, answerTargetMs, headStartMs: options.headStartMs ?? 0 };
}

function title(kind: string, { arrivalsPerHour, ahtMs, operators }: Traffic): string {
  return `${kind}: ${arrivalsPerHour}/h, AHT ${ahtMs / secondMs} s, ${operators} operators`;
}

function share(metric: string, of: (tally: Tally) => number, expected: number): Measure {
  return { metric, of, expected, relation: 'equal' };
}

/** Of all contacts, or of one kind. Called ASA where nobody leaves. */
function meanWait(metric: string, expectedMs: number, kind?: number): Measure {
  return {
    metric,
    of: (tally) => tally.meanWaitSeconds(kind),
    expected: expectedMs / secondMs,
    relation: 'equal',
  };
}

/** One queue, all operators alike. */
function oneClass(
  id: string,
  traffic: Traffic,
  patience: { readonly meanPatienceMs?: number },
): Omit<Scenario, 'name' | 'contacts' | 'inShort' | 'measures'> {
  const { arrivalsPerHour, ahtMs, operators } = traffic;
  return {
    id,
    contactsOf: id,
    traffic: { arrivalsPerHour, ahtMs, ...patience, kinds: [{ queueId: 'all', share: 1 }] },
    queues: [queueOf('all', 'all')],
    operators: operatorsWith({ all: 1 }, operators),
    router: 'queue',
    groups: [{ kinds: [0], traffic }],
    pathByPath: true,
  };
}

function patientRow(traffic: Traffic, contacts: number): Scenario {
  const { waitProbability, asaMs } = patientWaits(traffic);
  const within = (limitMs: number): number => patientServedWithin(traffic, limitMs);
  return {
    ...oneClass(`c${traffic.operators}`, traffic, {}),
    name: title('C', traffic),
    contacts,
    inShort: traffic.operators < 10,
    measures: [
      share('P(wait)', (tally) => tally.waitProbability(), waitProbability),
      meanWait('ASA s', asaMs),
      share('within 20 s', (tally) => tally.servedWithin('20s'), within(20 * secondMs)),
      share('within 120 s', (tally) => tally.servedWithin('120s'), within(120 * secondMs)),
    ],
  };
}

function impatientRow(traffic: Traffic, contacts: number): Scenario {
  const { waitProbability, abandonProbability, meanWaitMs } = impatientWaits(traffic, meanPatienceMs);
  const within120s = impatientServedWithin(traffic, meanPatienceMs, 120 * secondMs);
  return {
    ...oneClass(`a${traffic.operators}`, traffic, { meanPatienceMs }),
    name: title('A', traffic),
    contacts,
    inShort: traffic.operators < 10,
    measures: [
      share('P(wait)', (tally) => tally.waitProbability(), waitProbability),
      share('P(abandon)', (tally) => tally.abandonProbability(), abandonProbability),
      meanWait('mean wait s', meanWaitMs),
      share('served within 120 s', (tally) => tally.servedWithin('120s'), within120s),
    ],
  };
}

/** Strict priority is a head start longer than any wait: here a year. */
function twoPriorities(): Scenario {
  const traffic = { arrivalsPerHour: 240, ahtMs: 300 * secondMs, operators: 23 };
  const [highMs = 0, lowMs = 0] = priorityWaits([60, 180], traffic);
  const kinds = [
    { queueId: 'high', share: 0.25 },
    { queueId: 'low', share: 0.75 },
  ];
  return {
    ...oneClass('priority', traffic, {}),
    name: title('two priorities, 60/h high', traffic),
    traffic: { arrivalsPerHour: traffic.arrivalsPerHour, ahtMs: traffic.ahtMs, kinds },
    queues: [queueOf('high', 'all', { headStartMs: 365 * 24 * hourMs }), queueOf('low', 'all')],
    groups: [{ kinds: [0, 1], traffic }],
    pathByPath: false,
    contacts: 90_000,
    inShort: true,
    measures: [
      meanWait('high: mean wait s', highMs, 0),
      meanWait('low: mean wait s', lowMs, 1),
      meanWait('both: mean wait s', patientWaits(traffic).asaMs),
    ],
  };
}

const halfTraffic = { arrivalsPerHour: 60, ahtMs: 240 * secondMs, operators: 6 };
const poolTraffic = { arrivalsPerHour: 120, ahtMs: 240 * secondMs, operators: 12 };

function equalKinds(queueIds: readonly string[]): readonly ContactKind[] {
  return queueIds.map((queueId) => ({ queueId, share: 1 / queueIds.length }));
}

function twoGroups(): Scenario {
  return {
    ...oneClass('groups', poolTraffic, {}),
    name: 'two groups of 6 with a skill each, 60/h each',
    traffic: { ...poolTraffic, kinds: equalKinds(['a', 'b']) },
    queues: [queueOf('a', 'a'), queueOf('b', 'b')],
    operators: [...operatorsWith({ a: 1 }, 6), ...operatorsWith({ b: 1 }, 6, 6)],
    groups: [0, 1].map((kind) => ({ kinds: [kind], traffic: halfTraffic })),
    pathByPath: false,
    contacts: 25_000,
    inShort: true,
    measures: [meanWait('ASA s', patientWaits(halfTraffic).asaMs)],
  };
}

function pool(): Scenario {
  return {
    ...oneClass('pool', poolTraffic, {}),
    name: 'one pool of 12, 120/h',
    contacts: 70_000,
    inShort: false,
    measures: [meanWait('ASA s', patientWaits(poolTraffic).asaMs)],
  };
}

/**
 * As many kinds of contacts as skills; operators have two neighbouring skills each, in a ring, so that all are linked. With two skills
 * that is everybody. More kinds than that show how far two skills each carry among no more than 12.
 */
function twoSkillOperators(skills: number): Scenario {
  const names = Array.from({ length: skills }, (_, i) => `s${i}`);
  const pairs = skills === 2 ? 1 : skills;
  const each = poolTraffic.operators / pairs;
  const asa = meanWait('ASA s', 1.25 * patientWaits(poolTraffic).asaMs);
  return {
    ...oneClass(`ring${skills}`, poolTraffic, {}),
    name: `12 operators with 2 of ${skills} skills each, 120/h`,
    traffic: { ...poolTraffic, kinds: equalKinds(names) },
    queues: names.map((name) => queueOf(name, name)),
    operators: Array.from({ length: pairs }, (_, i) =>
      operatorsWith({ [`s${i}`]: 1, [`s${(i + 1) % skills}`]: 1 }, each, i * each),
    ).flat(),
    groups: [{ kinds: names.map((_, i) => i), traffic: poolTraffic }],
    pathByPath: false,
    contacts: skills === 2 ? 40_000 : 20_000,
    inShort: false,
    measures: [{ ...asa, metric: 'ASA s (bound: 1.25 × pool)', relation: skills === 2 ? 'atMost' : 'shown' }],
  };
}
