import { type OperatorStrategy, operatorStrategies } from '../../src/acd/index.ts';
import { secondMs } from '../../src/foundation/index.ts';
import { operatorsWith } from './hotline.ts';
import type { ModelStrategy } from './model-router.ts';
import { queueOf, type Scenario } from './scenarios.ts';

/** The skew: a fifth of the operators are bilingual, a tenth of the contacts need them. */
const operators = 20;
const bilingual = operators / 5;
const bilingualContacts = 0.1;

/** Loads at which strategies are compared, in arrivals an hour; the first one is judged. Occupancy 0.7 and 0.8. */
const arrivalRates = [210, 240] as const;

export interface StrategyRun {
  readonly scenario: Scenario;
  readonly arrivalsPerHour: number;
  readonly strategy: OperatorStrategy | ModelStrategy;
  /** Run by the queue store, or only as a model so far. */
  readonly by: 'queue' | 'model';
  /** At the load at which the default is judged. */
  readonly judged: boolean;
}

/** Random assignment first: the others are compared with it on the same contacts. */
export function strategyRuns(): readonly StrategyRun[] {
  const ofQueue = Object.keys(operatorStrategies) as readonly OperatorStrategy[];
  // What the queue cannot do yet is shown by the model.
  const hasLeastSkilled = (ofQueue as readonly string[]).includes('leastSkilled');
  return arrivalRates.flatMap((arrivalsPerHour, i) => {
    const judged = i === 0;
    return [
      modelRun('random', { arrivalsPerHour, judged }),
      ...(hasLeastSkilled ? [] : [modelRun('leastSkilled', { arrivalsPerHour, judged })]),
      ...ofQueue.map((strategy): StrategyRun => {
        const scenario = skew({ arrivalsPerHour, strategy, router: 'queue', name: strategy });
        return { scenario, arrivalsPerHour, strategy, by: 'queue', judged };
      }),
    ];
  });
}

function modelRun(
  strategy: ModelStrategy,
  at: { readonly arrivalsPerHour: number; readonly judged: boolean },
): StrategyRun {
  const scenario = skew({ ...at, router: strategy, name: `model-${strategy}` });
  return { scenario, ...at, strategy, by: 'model' };
}

function skew(options: {
  readonly arrivalsPerHour: number;
  readonly strategy?: OperatorStrategy;
  readonly router: Scenario['router'];
  readonly name: string;
}): Scenario {
  const { arrivalsPerHour, strategy, router, name } = options;
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
    contacts: 10_000,
    inShort: false,
    measures: [
      { metric: 'bilingual ASA s', of: (tally) => tally.meanWaitSeconds(1), expected: Number.NaN, relation: 'shown' },
      { metric: 'general ASA s', of: (tally) => tally.meanWaitSeconds(0), expected: Number.NaN, relation: 'shown' },
    ],
  };
}
