import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';

import { z } from 'zod';

import { DozvonError } from '../foundation/index.ts';
import { type Home, writePrivateFile } from './home.ts';
import { readText } from './platform.ts';

const secret = z.string().min(16);

const secretsSchema = z.strictObject({
  ariPassword: secret,
  amiPassword: secret,
  apiToken: secret,
  redisPassword: secret,
  databasePassword: secret,
  /** By extension. */
  sipPasswords: z.record(z.string(), secret),
});

export type Secrets = z.infer<typeof secretsSchema>;

const newSecret = (): string => randomBytes(24).toString('base64url');

/** Reads the secrets file; undefined when there is none yet. Throws `SECRETS_INVALID` when it is damaged or open to others. */
export function readSecrets(file: string): Secrets | undefined {
  const text = readText(file);
  if (text === undefined) {
    if (statSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
    throw new DozvonError(
      'SECRETS_INVALID',
      `${file} cannot be read: it belongs to the user who started Dozvon first.`,
    );
  }
  if ((statSync(file).mode & 0o077) !== 0)
    throw new DozvonError('SECRETS_INVALID', `${file} can be read by others: run "chmod 600 ${file}".`);
  try {
    return secretsSchema.parse(JSON.parse(text));
  } catch {
    throw new DozvonError(
      'SECRETS_INVALID',
      `${file} is damaged: restore it from a copy, or remove it to have new secrets made (phones must then be given their new passwords).`,
    );
  }
}

/** The secrets of this home: made once, and again only for extensions that are new. */
export function ensureSecrets(home: Home, extensions: readonly string[]): Secrets {
  const before = readSecrets(home.secretsFile);
  const missing = extensions.filter((extension) => before?.sipPasswords[extension] === undefined);
  if (before !== undefined && missing.length === 0) return before;
  const secrets: Secrets = {
    ariPassword: before?.ariPassword ?? newSecret(),
    amiPassword: before?.amiPassword ?? newSecret(),
    apiToken: before?.apiToken ?? newSecret(),
    redisPassword: before?.redisPassword ?? newSecret(),
    databasePassword: before?.databasePassword ?? newSecret(),
    sipPasswords: {
      ...before?.sipPasswords,
      ...Object.fromEntries(missing.map((extension) => [extension, newSecret()])),
    },
  };
  writePrivateFile(home.secretsFile, `${JSON.stringify(secrets, null, 2)}\n`);
  return secrets;
}
