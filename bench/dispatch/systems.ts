import { hasCode, minuteMs, secondMs } from '../../src/foundation/index.ts';
import type { Exchange } from './exchange.ts';
import { extensionsOf, operatorIdOf } from './hotline.ts';

/** One of the two that distribute calls; both sit in the same Asterisk and are never used at once. */
export interface System {
  readonly name: 'dozvon' | 'appQueue';
  readonly title: string;
  readonly extensions: readonly string[];
  /** Operators take calls from now on, or take none. */
  setReady(ready: boolean): Promise<void>;
  /** Of the operators, how many phones can be called. */
  reachable(): Promise<number>;
}

interface ShownOperator {
  readonly operatorId: string;
  readonly reachable: boolean;
}

export function dozvon(exchange: Exchange): System {
  const { api } = exchange;
  const extensions = extensionsOf('dozvon');
  return {
    name: 'dozvon',
    title: 'Dozvon',
    extensions,
    async setReady(ready) {
      await Promise.all(
        extensions.map(async (extension) => {
          const path = `/operators/${operatorIdOf(extension)}`;
          await politely(() => api.send('POST', `${path}/sign-in`, { reason: 'benchmark' }));
          const presence = ready ? 'ready' : 'notReady';
          await politely(() => api.send('PUT', `${path}/presence`, { presence, reason: 'benchmark' }));
        }),
      );
    },
    async reachable() {
      const { items } = await politely(() => api.get<{ readonly items: readonly ShownOperator[] }>('/operators'));
      return items.filter((operator) => operator.reachable).length;
    },
  };
}

export function appQueue(exchange: Exchange): System {
  const extensions = extensionsOf('appQueue');
  return {
    name: 'appQueue',
    title: 'app_queue',
    extensions,
    async setReady(ready) {
      for (const extension of extensions) {
        await exchange.console(`queue ${ready ? 'unpause' : 'pause'} member PJSIP/${extension} queue bench`);
      }
    },
    async reachable() {
      const shown = await exchange.console('queue show bench');
      return shown.split('\n').filter((line) => /PJSIP\/.*Not in use/.test(line)).length;
    },
  };
}

/** The API asks its callers to be patient now and then. */
async function politely<T>(ask: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + minuteMs; ; ) {
    try {
      return await ask();
    } catch (error) {
      const status = hasCode(error, 'API_REFUSED') ? error.details.status : undefined;
      if ((status !== 429 && status !== 503) || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, secondMs));
    }
  }
}
