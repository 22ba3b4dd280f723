import { readFileSync } from 'node:fs';

import { z } from 'zod';

import { DozvonError, messageOf } from '../foundation/index.ts';

const port = z.number().int().min(1).max(65_535);

/** What one service process is told at its start, as JSON in a file of mode 0600 (it holds secrets). */
export const serviceSettingsSchema = z.strictObject({
  /** Unique among the processes of one stack: `n1`. */
  nodeId: z.string().regex(/^[a-z0-9-]{1,16}$/),
  /** Shards (Stasis applications) this process takes first; it takes over others when their holders die. */
  shards: z.array(z.string()).min(1),
  /** Every shard of the stack. */
  allShards: z.array(z.string()).min(1),
  /** The hotline's configuration: a file, or a folder with hotline.yaml in it. */
  configPath: z.string(),
  /** Holds `<language>/<id>.wav`. */
  soundsDir: z.string(),
  ari: z.strictObject({ url: z.url(), user: z.string(), password: z.string() }),
  ami: z.strictObject({ host: z.string(), port, user: z.string(), password: z.string() }),
  redisUrl: z.string(),
  databaseUrl: z.string(),
  /** Key-encryption keys; the vault owns the format. */
  keyFile: z.string(),
  /** Plain audio, on tmpfs. */
  spoolDir: z.string(),
  /** Sealed recordings. */
  recordingsDir: z.string(),
  api: z.strictObject({ bind: z.string(), port, token: z.string().min(16) }),
  sip: z.strictObject({ bind: z.string(), port }),
  /** Started for testing: a test call may say at which instant the schedule is evaluated. */
  testing: z.boolean(),
});

export type ServiceSettings = z.infer<typeof serviceSettingsSchema>;

/** Reads the settings file; throws `SERVICE_SETTINGS_INVALID`. */
export function readServiceSettings(file: string): ServiceSettings {
  try {
    return serviceSettingsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new DozvonError(
      'SERVICE_SETTINGS_INVALID',
      `${file} does not hold the service's settings: ${messageOf(cause)}`,
      { cause },
    );
  }
}
