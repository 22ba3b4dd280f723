import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DozvonError, messageOf } from '../foundation/index.ts';
import { deriveKey, unwrapKey, wrapKey } from './key-wrap.ts';
import { type FieldKeys, type KeyProvider, keyBytes, type WrappedKey } from './keys.ts';

/** What the key file holds: `{"version":1,"current":ID,"keys":{ID:BASE64,...},"indexKey":BASE64}`, 32 bytes each. */
interface KeyFile {
  readonly version: 1;
  readonly current: string;
  readonly keys: Readonly<Record<string, string>>;
  readonly indexKey: string;
}

const keyIdPattern = /^[a-z0-9-]{1,32}$/;

/** Creates the file (mode 0600) with one key and an index key, or leaves the one that is there. */
export async function createKeyFile(path: string): Promise<'created' | 'exists'> {
  const keyId = newKeyId();
  const content: KeyFile = { version: 1, current: keyId, keys: { [keyId]: newKey() }, indexKey: newKey() };
  try {
    await writeDurably(path, content);
    return 'created';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return 'exists';
    throw error;
  }
}

/** Adds a key and makes it the current one; the earlier ones still open what they closed. Running processes see it at their next start. */
export async function rotateKeyFile(path: string): Promise<{ readonly keyId: string }> {
  const before = await readKeyFile(path);
  const keyId = newKeyId();
  const next = `${path}.${keyId}`;
  await writeDurably(next, { ...before, current: keyId, keys: { ...before.keys, [keyId]: newKey() } });
  try {
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
  return { keyId };
}

/**
 * The provider that reads its keys from a file of mode 0600. Throws `KEY_FILE_MISSING`, `KEY_FILE_EXPOSED` (others may read it)
 * or `KEY_FILE_INVALID`.
 */
export async function fileKeyProvider(path: string): Promise<KeyProvider> {
  const file = await readKeyFile(path);
  const roots = new Map(Object.entries(file.keys).map(([keyId, text]) => [keyId, decodeKey(text, path)]));
  const wrappingKeys = derivedFrom(roots, 'dozvon key wrap v1');
  const fieldKeys: FieldKeys = {
    current: file.current,
    byId: derivedFrom(roots, 'dozvon field v1'),
    indexKey: decodeKey(file.indexKey, path),
  };
  for (const root of roots.values()) root.fill(0);

  const wrappingKey = (keyId: string): Uint8Array => {
    const key = wrappingKeys.get(keyId);
    if (key === undefined)
      throw new DozvonError('UNKNOWN_KEY', `no key-encryption key ${keyId}`, { details: { keyId } });
    return key;
  };
  return {
    async wrap(dataKey) {
      return { keyId: file.current, wrappedKey: wrapKey(wrappingKey(file.current), dataKey).toString('base64') };
    },
    async unwrap({ keyId, wrappedKey }: WrappedKey) {
      return unwrapKey(wrappingKey(keyId), Buffer.from(wrappedKey, 'base64'));
    },
    async fieldKeys() {
      return fieldKeys;
    },
  };
}

function derivedFrom(roots: ReadonlyMap<string, Buffer>, purpose: string): ReadonlyMap<string, Buffer> {
  return new Map([...roots].map(([keyId, root]) => [keyId, deriveKey(root, purpose)]));
}

async function readKeyFile(path: string): Promise<KeyFile> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new DozvonError('KEY_FILE_MISSING', `the key file ${path} cannot be read: ${messageOf(cause)}`, { cause });
  });
  if ((facts.mode & 0o077) !== 0) {
    const mode = (facts.mode & 0o777).toString(8).padStart(4, '0');
    throw new DozvonError('KEY_FILE_EXPOSED', `the key file ${path}: expected mode 0600, found ${mode}`);
  }
  const invalid = (what: string): DozvonError => new DozvonError('KEY_FILE_INVALID', `the key file ${path}: ${what}`);
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    throw invalid('expected JSON'); // the parser's message quotes the file, so it is not passed on
  }
  if (!isKeyFile(content)) throw invalid('expected {version: 1, current, keys: {id: base64}, indexKey}');
  if (!Object.keys(content.keys).every((keyId) => keyIdPattern.test(keyId)))
    throw invalid('key ids are [a-z0-9-], up to 32');
  if (!Object.hasOwn(content.keys, content.current)) throw invalid('the current key is not among the keys');
  return content;
}

function isKeyFile(value: unknown): value is KeyFile {
  if (typeof value !== 'object' || value === null) return false;
  const file = value as Partial<Record<keyof KeyFile, unknown>>;
  if (file.version !== 1 || typeof file.current !== 'string' || typeof file.indexKey !== 'string') return false;
  if (typeof file.keys !== 'object' || file.keys === null) return false;
  return Object.values(file.keys).every((key) => typeof key === 'string');
}

function decodeKey(text: string, path: string): Buffer {
  const key = Buffer.from(text, 'base64');
  if (key.length !== keyBytes) {
    throw new DozvonError(
      'KEY_FILE_INVALID',
      `the key file ${path}: expected keys of ${keyBytes} bytes, one has ${key.length}`,
    );
  }
  return key;
}

function newKey(): string {
  return randomBytes(keyBytes).toString('base64');
}

function newKeyId(): string {
  return `k${randomBytes(5).toString('hex')}`;
}

/** A key that is used before it is durable could seal what nothing opens after a power cut. */
async function writeDurably(path: string, content: KeyFile): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(content, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncFolder(dirname(path));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
