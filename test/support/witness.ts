import ari, { type Client } from 'ari-client';

/**
 * An independent client on the hotline's own Asterisk: nobody here wrote it, and it says what Asterisk really holds. It only looks;
 * its application takes no calls.
 */
export interface Witness {
  /** The most channels that were there at one time. */
  readonly mostChannels: number;
  channels(): Promise<readonly string[]>;
  bridges(): Promise<readonly string[]>;
  /** Resolves when Asterisk has no channel and no bridge left; rejects with what is left after `limitMs`. */
  untilEmpty(limitMs: number): Promise<void>;
  stop(): void;
}

export async function startWitness(access: {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}): Promise<Witness> {
  const client: Client = await ari.connect(access.url, access.user, access.password);
  const listeners = new Set<() => void>();
  let most = 0;
  const look = async (): Promise<{ channels: string[]; bridges: string[] }> => {
    const [channels, bridges] = await Promise.all([client.channels.list(), client.bridges.list()]);
    most = Math.max(most, channels.length);
    return { channels: channels.map(({ name }) => name), bridges: bridges.map(({ id }) => id) };
  };
  const told = (): void => {
    for (const listener of listeners) listener();
  };
  client.on('ChannelCreated', told);
  client.on('ChannelDestroyed', told);
  client.on('BridgeCreated', told);
  client.on('BridgeDestroyed', told);
  listeners.add(() => void look().catch(() => undefined));
  await client.start('witness', true);
  return {
    get mostChannels() {
      return most;
    },
    channels: async () => (await look()).channels,
    bridges: async () => (await look()).bridges,
    async untilEmpty(limitMs) {
      const empty = Promise.withResolvers<void>();
      let left = 'nothing was seen';
      const check = async (): Promise<void> => {
        const { channels, bridges } = await look();
        left = `${channels.length} channels (${channels.join(', ')}), ${bridges.length} bridges (${bridges.join(', ')})`;
        if (channels.length === 0 && bridges.length === 0) empty.resolve();
      };
      const listener = (): void => void check().catch(empty.reject);
      const timer = setTimeout(() => empty.reject(new Error(`left in Asterisk after ${limitMs} ms: ${left}`)), limitMs);
      listeners.add(listener);
      try {
        listener();
        await empty.promise;
      } finally {
        clearTimeout(timer);
        listeners.delete(listener);
      }
    },
    stop() {
      client.stop();
    },
  };
}
