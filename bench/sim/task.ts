import { DozvonError } from '../../src/foundation/index.ts';
import { openRouter, type StoreChoice } from './open-router.ts';
import { type Replication, replicate } from './replication.ts';
import { type Scenario, theoryScenarios } from './scenarios.ts';
import { strategyRuns } from './strategies.ts';

/** One replication to be made, as it goes to a worker. */
export interface Task {
  readonly scenarioId: string;
  readonly seed: string;
  readonly replication: number;
  readonly contacts: number;
  readonly store: StoreChoice;
}

/** What comes back: the figures in the order of the scenario's measures. */
export type TaskResult = Omit<Replication, 'tally'> & { readonly values: readonly number[] };

export function allScenarios(): readonly Scenario[] {
  return [...theoryScenarios(), ...strategyRuns().map((run) => run.scenario)];
}

export async function perform(task: Task): Promise<TaskResult> {
  const scenario = allScenarios().find(({ id }) => id === task.scenarioId);
  if (scenario === undefined) {
    throw new DozvonError('UNKNOWN_SCENARIO', `expected a known scenario, got ${JSON.stringify(task.scenarioId)}`);
  }
  const seed = `${task.seed}/${scenario.contactsOf}/${task.replication}`;
  const opened = await openRouter(scenario, {
    store: task.store,
    name: `${task.seed}/${scenario.id}/${task.replication}`,
  });
  try {
    const { tally, ...rest } = await replicate(scenario, { router: opened.router, seed, contacts: task.contacts });
    return { ...rest, values: scenario.measures.map((measure) => measure.of(tally)) };
  } finally {
    await opened.close();
  }
}
