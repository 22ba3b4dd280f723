import { silentLogger } from '../../src/foundation/index.ts';
import { createMemoryStores } from '../../src/store/memory/index.ts';
import { createRedisStores } from '../../src/store/redis/index.ts';
import type { Router } from './hotline.ts';
import { ModelRouter } from './model-router.ts';
import type { Scenario } from './scenarios.ts';

/** Which queue store serves the replications. */
export type StoreChoice = { readonly kind: 'twin' } | { readonly kind: 'scripts'; readonly url: string };

export interface OpenRouter {
  readonly router: Router;
  close(): Promise<void>;
}

/** A fresh router for one replication. `name` keeps its keys apart from those of others. */
export async function openRouter(
  scenario: Scenario,
  options: { readonly store: StoreChoice; readonly name: string },
): Promise<OpenRouter> {
  if (scenario.router === 'random') {
    return { router: new ModelRouter(options.name), close: async () => undefined };
  }
  const { store } = options;
  const stop = new AbortController();
  if (store.kind === 'scripts') {
    const stores = await createRedisStores({ url: store.url, prefix: `${options.name}:`, logger: silentLogger });
    return { router: stores.queue, close: () => stores.close() };
  }
  const { queue, inbox } = createMemoryStores();
  // Nobody is rung here, and an inbox that nobody reads grows.
  const reading = inbox.consume('sim', async () => undefined, stop.signal);
  return {
    router: queue,
    async close() {
      stop.abort();
      await reading;
    },
  };
}
