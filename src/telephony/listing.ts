import { type AriAccess, AriConnection, type AriEvent, type Bridge, type Channel } from '../ari/index.ts';
import type { TelephonySnapshot } from '../contact/ports.ts';
import { type Clock, DozvonError, type Logger, messageOf, secondMs, withLimit } from '../foundation/index.ts';
import { dialEndpoint } from './asterisk-config.ts';
import { settled, watch } from './requests.ts';
import { snapshotOf } from './snapshot.ts';
import { dialEvents } from './translate.ts';

export interface ListingSettings {
  readonly ari: AriAccess;
  readonly shard: string;
  readonly nodeId: string;
  readonly dialTrunks: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The listing connection comes up in the same moment as the first; more is a fault. */
const listingLimitMs = 5 * secondMs;
/** A good-bye that Asterisk does not answer leaves an application behind that the next start takes over: not worth more of the stop. */
const goodbyeLimitMs = secondMs;

/** The second connection of a shard's telephony: listings, which may be long, and what becomes of calls over dialled trunks. */
export class Listing {
  readonly #settings: ListingSettings;
  readonly #app: string;
  readonly #connection: AriConnection;

  constructor(settings: ListingSettings, onEvent: (event: AriEvent) => void) {
    const { ari: access, shard, nodeId, clock, logger } = settings;
    this.#settings = settings;
    // Two processes with the same shard for a moment (a take-over) must not take each other's listings away; and Asterisk keeps the application of a
    // process that has died, so that the next one of this name takes it over.
    this.#app = `${shard}-listing-${nodeId}`;
    this.#connection = new AriConnection({
      ...{ access, clock, logger, onEvent },
      app: this.#app,
      allowedEvents: dialEvents,
      prepare: () => watchDialEndpoints(this.#connection, { ...settings, app: this.#app }),
    });
  }

  start(): Promise<void> {
    return this.#connection.start();
  }

  /** Asterisk forgets an application that is subscribed to nothing when its connection closes. */
  async stop(): Promise<void> {
    if (this.#connection.connected) {
      const goodbyes = dialSources(this.#settings.dialTrunks).map((eventSource) =>
        this.#connection.perform('DELETE /applications/{applicationName}/subscription', {
          applicationName: this.#app,
          eventSource,
        }),
      );
      await withLimit(Promise.all(goodbyes), goodbyeLimitMs, 'ending subscriptions').catch((error: unknown) =>
        this.#settings.logger.debug({ reason: messageOf(error) }, 'a Stasis application stays behind in Asterisk'),
      );
    }
    await this.#connection.stop();
  }

  async untilConnected(): Promise<void> {
    await this.#connection.untilConnected(listingLimitMs);
  }

  /** All that Asterisk holds, other shards' included. */
  async read(): Promise<{ readonly channels: readonly Channel[]; readonly bridges: readonly Bridge[] }> {
    const [channels, bridges] = await settled(
      this.#connection.perform('GET /channels', {}),
      this.#connection.perform('GET /bridges', {}),
    );
    if (!channels.ok || !bridges.ok) {
      throw new DozvonError('ARI_REFUSED', `listings: expected 200, got ${channels.status} and ${bridges.status}`);
    }
    return { channels: channels.body, bridges: bridges.body };
  }

  async snapshot(): Promise<TelephonySnapshot> {
    const { channels, bridges } = await this.read();
    return snapshotOf(this.#settings.shard, channels, bridges);
  }
}

/**
 * Has the application told what happens on the endpoints over which callers are called. Asterisk counts subscriptions, and keeps them over a lost connection: one that is
 * there is not made again, or a single good-bye would not end it.
 */
export async function watchDialEndpoints(
  connection: AriConnection,
  to: { readonly app: string; readonly dialTrunks: readonly string[]; readonly logger: Logger },
): Promise<void> {
  const { app: applicationName, dialTrunks, logger } = to;
  const known = await connection.perform('GET /applications/{applicationName}', { applicationName });
  const watched = known.ok ? known.body.endpoint_ids : [];
  const missing = dialSources(dialTrunks).filter((source) => !watched.some((id) => source === `endpoint:${id}`));
  await Promise.all(missing.map((eventSource) => watch(connection, { applicationName, eventSource, logger })));
}

function dialSources(dialTrunks: readonly string[]): readonly string[] {
  return dialTrunks.map((name) => `endpoint:PJSIP/${dialEndpoint(name)}`);
}
