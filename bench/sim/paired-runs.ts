import { silentLogger } from '../../src/foundation/index.ts';
import { createMemoryStores } from '../../src/store/memory/index.ts';
import { createRedisStores } from '../../src/store/redis/index.ts';
import { epochMs } from './contact-source.ts';
import { HardDay, type HardDayResult } from './hard-day.ts';
import { simulatedShard } from './hotline.ts';
import { PairedStore } from './paired-store.ts';
import { replicate } from './replication.ts';
import type { Scenario } from './scenarios.ts';

/** The twin's event log holds 100,000 events, and a contact makes six or so of them: more contacts could not be compared to the end. */
const mostContacts = 10_000;

export interface PairedRun {
  readonly name: string;
  readonly contacts: number;
  /** Contacts whose wait was compared with the recursion. */
  readonly pathContacts: number;
  readonly pathMismatches: number;
  /** Answers, views and events compared between twin and scripts. */
  readonly compared: number;
  readonly differences: number;
  readonly firstDifferences: readonly string[];
  readonly hardDay?: HardDayResult;
}

/** Scenarios and hard days through the twin and the real scripts in step. */
export class PairedRuns {
  readonly #url: string;
  readonly #seed: string;
  #count = 0;

  constructor(options: { readonly url: string; readonly seed: string }) {
    this.#url = options.url;
    this.#seed = options.seed;
  }

  /** Each contact's wait against the recursion, and each answer of one store against the other's. */
  pathByPath(scenario: Scenario, contacts: number): Promise<PairedRun> {
    return this.#paired(async (store) => {
      const counted = Math.min(contacts, mostContacts);
      const run = await replicate(scenario, {
        router: store.queue,
        seed: `${this.#seed}/${scenario.contactsOf}/paired`,
        contacts: counted,
        warmUp: 0,
      });
      await store.compareMoves(epochMs, [simulatedShard]);
      const { pathContacts, pathMismatches } = run;
      return { name: scenario.name, contacts: run.contacts, pathContacts, pathMismatches };
    });
  }

  hardDay(day: number, contacts: number): Promise<PairedRun> {
    return this.#paired(async (store) => {
      const seed = `${this.#seed}/hard-day/${day}`;
      const hardDay = await new HardDay(store, seed).run(Math.min(contacts, mostContacts), seed);
      return { name: `hard day ${day}`, contacts: hardDay.contacts, pathContacts: 0, pathMismatches: 0, hardDay };
    });
  }

  async #paired(
    run: (
      store: PairedStore,
    ) => Promise<Pick<PairedRun, 'name' | 'contacts' | 'pathContacts' | 'pathMismatches' | 'hardDay'>>,
  ): Promise<PairedRun> {
    this.#count += 1;
    const scripts = await createRedisStores({ url: this.#url, prefix: `pair${this.#count}:`, logger: silentLogger });
    const twin = createMemoryStores();
    try {
      const store = new PairedStore({ twin, scripts });
      const result = await run(store);
      const { compared, differenceCount, differences } = store;
      return { ...result, compared, differences: differenceCount, firstDifferences: differences };
    } finally {
      await scripts.close();
      await twin.close();
    }
  }
}
