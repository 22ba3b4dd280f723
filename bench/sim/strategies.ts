import { type OperatorStrategy, strategyNames } from '../../src/acd/index.ts';
import { secondMs } from '../../src/foundation/index.ts';
import { operatorsWith } from './hotline.ts';
import { queueOf, type Scenario } from './scenarios.ts';

/** The skew: a fifth of the operators are bilingual, a tenth of the contacts need them. */
const operators = 20;
const bilingual = operators / 5;
const bilingualContacts = 0.1;

/** Loads at which strategies are compared, in arrivals an hour, and contacts in a replication. Occupancy 0.7, judged, and 0.8. */
const loads = [
  { arrivalsPerHour: 210, contacts: 20_000, judged: true },
  { arrivalsPerHour: 240, contacts: 10_000, judged: false },
] as const;

type Load = (typeof loads)[number];

export interface StrategyRun {
  readonly scenario: Scenario;
  readonly arrivalsPerHour: number;
  readonly strategy: OperatorStrategy | 'random';
  /** Run by the queue store, or as a model to compare with. */
  readonly by: 'queue' | 'model';
  /** At the load at which the default is judged. */
  readonly judged: boolean;
}

/** Random assignment first: the others are compared with it on the same contacts. */
export function strategyRuns(): readonly StrategyRun[] {
  return loads.flatMap((load) => [
    atRandom(load),
    ...strategyNames.map((strategy): StrategyRun => {
      const scenario = skew(load, { strategy, router: 'queue', name: strategy });
      return { scenario, ...load, strategy, by: 'queue' };
    }),
  ]);
}

function atRandom(load: Load): StrategyRun {
  const scenario = skew(load, { router: 'random', name: 'model-random' });
  return { scenario, ...load, strategy: 'random', by: 'model' };
}

function skew(
  load: Load,
  by: { readonly strategy?: OperatorStrategy; readonly router: Scenario['router']; readonly name: string },
): Scenario {
  const { arrivalsPerHour, contacts } = load;
  const { strategy, router, name } = by;
  const traffic = { arrivalsPerHour, ahtMs: 240 * secondMs };
  const ofStrategy = strategy === undefined ? {} : { strategy };
  return {
    id: `skew${arrivalsPerHour}-${name}`,
    name: `skew at ${arrivalsPerHour}/h, ${name}`,
    contactsOf: `skew${arrivalsPerHour}`,
    traffic: {
      ...traffic,
      kinds: [
        { queueId: 'general', share: 1 - bilingualContacts },
        { queueId: 'bilingual', share: bilingualContacts },
      ],
    },
    queues: [queueOf('general', 'general', ofStrategy), queueOf('bilingual', 'tatar', ofStrategy)],
    operators: [
      ...operatorsWith({ general: 1, tatar: 1 }, bilingual),
      ...operatorsWith({ general: 1 }, operators - bilingual, bilingual),
    ],
    router,
    groups: [{ kinds: [0, 1], traffic: { ...traffic, operators } }],
    pathByPath: false,
    contacts,
    inShort: false,
    measures: [
      { metric: 'bilingual ASA s', of: (tally) => tally.meanWaitSeconds(1), expected: Number.NaN, relation: 'shown' },
      { metric: 'general ASA s', of: (tally) => tally.meanWaitSeconds(0), expected: Number.NaN, relation: 'shown' },
    ],
  };
}
