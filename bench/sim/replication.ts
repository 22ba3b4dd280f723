import { performance } from 'node:perf_hooks';
import { ContactSource } from './contact-source.ts';
import { Controls } from './controls.ts';
import { Hotline, type Router } from './hotline.ts';
import { KieferWolfowitz } from './kiefer-wolfowitz.ts';
import { type Scenario, warmUpContacts } from './scenarios.ts';
import { Tally } from './tally.ts';

/** What one replication comes to: one figure for each measure of its scenario, and what chance did. */
export interface Replication {
  readonly tally: Tally;
  readonly controls: readonly number[];
  /** Contacts let in, counted or not. */
  readonly contacts: number;
  /** Contacts whose wait was compared with the recursion, and those for whom it differed. */
  readonly pathContacts: number;
  readonly pathMismatches: number;
  readonly tookMs: number;
}

/** Runs until every counted contact has been answered or has left; arrivals go on meanwhile. */
export async function replicate(
  scenario: Scenario,
  run: {
    readonly router: Router;
    readonly seed: string;
    readonly contacts: number;
    /** Contacts before the counted ones, where the scenario's own number is not wanted. */
    readonly warmUp?: number;
  },
): Promise<Replication> {
  const startedMs = performance.now();
  const warmUp = run.warmUp ?? warmUpContacts(scenario);
  const last = warmUp + run.contacts;
  const tally = new Tally(scenario.traffic.kinds.length);
  const recursion = scenario.pathByPath ? new KieferWolfowitz(scenario.operators.length) : undefined;
  const groups = scenario.groups.map(({ kinds, traffic }) => ({
    kinds,
    controls: new Controls(traffic, scenario.traffic.meanPatienceMs),
  }));
  const expectedMs = new Map<number, number>();
  let pathContacts = 0;
  let pathMismatches = 0;
  let open = run.contacts;

  const hotline = new Hotline({
    router: run.router,
    queues: scenario.queues,
    settled(settled) {
      const { number } = settled.contact;
      if (recursion !== undefined) {
        pathContacts += 1;
        if (expectedMs.get(number) !== settled.waitMs) pathMismatches += 1;
        expectedMs.delete(number);
      }
      if (number < warmUp || number >= last) return;
      open -= 1;
      tally.add(settled);
    },
  });
  await hotline.begin(scenario.operators);
  const source = new ContactSource(scenario.traffic, run.seed);
  let contacts = 0;
  while (open > 0) {
    const contact = source.next();
    contacts += 1;
    if (recursion !== undefined) expectedMs.set(contact.number, recursion.waitMs(contact));
    if (contact.number < last) {
      const group = groups.find(({ kinds }) => kinds.includes(contact.kind));
      group?.controls.see(contact, contact.number >= warmUp);
    }
    await hotline.arrive(contact);
  }
  const ofGroups = groups.map(({ controls }) => controls.values());
  return {
    tally,
    controls: (ofGroups[0] ?? []).map((_, i) => ofGroups.reduce((sum, values) => sum + (values[i] ?? 0), 0)),
    contacts,
    pathContacts,
    pathMismatches,
    tookMs: performance.now() - startedMs,
  };
}
