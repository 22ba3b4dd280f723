import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import {
  createKeyFile,
  createVault,
  fileKeyProvider,
  placeOf,
  rotateKeyFile,
  type Vault,
} from '../../src/vault/index.ts';

const folder = await mkdtemp(join(tmpdir(), 'dozvon-vault-'));
t.teardown(() => rm(folder, { recursive: true, force: true }));
let files = 0;

async function newVault(): Promise<{ vault: Vault; keyFile: string }> {
  files += 1;
  const keyFile = join(folder, `keys-${files}.json`);
  await createKeyFile(keyFile);
  return { vault: await createVault({ keyFile }), keyFile };
}

t.test('what was sealed opens in its own place and nowhere else', async (t) => {
  const { vault } = await newVault();
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (plain) => {
      const clean = Buffer.from(plain, 'utf8').toString('utf8'); // lone surrogates have no UTF-8
      return vault.open(vault.seal(clean, 'a'), 'a') === clean;
    }),
  );
  const sealed = vault.seal('+79161234567', 'contacts.ani:c1');
  t.notMatch(sealed, /79161234567/);
  t.not(vault.seal('+79161234567', 'contacts.ani:c1'), sealed, 'two seals of one value differ');
  t.throws(() => vault.open(sealed, 'contacts.ani:c2'), { code: 'TAMPERED' });
});

t.test('a sealed value with any character changed, cut or added is refused', async (t) => {
  const { vault } = await newVault();
  const sealed = vault.seal('Иванов Иван', 'x');
  const refused = (text: string): string | undefined => {
    try {
      vault.open(text, 'x');
      return undefined;
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };
  for (let i = 0; i < sealed.length; i += 1) {
    const other = sealed[i] === 'A' ? 'B' : 'A';
    t.match(refused(sealed.slice(0, i) + other + sealed.slice(i + 1)), /^(TAMPERED|WRONG_KEY|UNKNOWN_KEY)$/);
    t.match(refused(sealed.slice(0, i)), /^(TAMPERED|WRONG_KEY|UNKNOWN_KEY)$/);
  }
  t.equal(refused(`${sealed}A`), 'TAMPERED');
  t.equal(refused(''), 'TAMPERED');
  t.equal(refused('+79161234567'), 'TAMPERED');
});

t.test('after rotation the old key still opens, the new one seals, and the blind index stays', async (t) => {
  const { vault, keyFile } = await newVault();
  const sealed = vault.seal('value', 'x');
  const { wrapped } = await vault.newDataKey();
  const index = vault.blindIndex('+79161234567', 'ani');
  const { keyId } = await rotateKeyFile(keyFile);
  const later = await createVault({ keyFile });
  t.equal(later.open(sealed, 'x'), 'value');
  await t.resolves(later.openDataKey(wrapped));
  t.equal(later.blindIndex('+79161234567', 'ani'), index);
  const newer = later.seal('value', 'x');
  t.equal(newer.split('.')[1], keyId);
  t.throws(() => vault.open(newer, 'x'), { code: 'UNKNOWN_KEY' });
  await t.rejects(vault.openDataKey((await later.newDataKey()).wrapped), { code: 'UNKNOWN_KEY' });
});

t.test('another key under the same id is told apart from an altered value', async (t) => {
  const { vault, keyFile } = await newVault();
  const sealed = vault.seal('value', 'x');
  const { wrapped } = await vault.newDataKey();
  const content = JSON.parse(await readFile(keyFile, 'utf8'));
  content.keys[content.current] = Buffer.alloc(32, 7).toString('base64');
  const other = join(folder, 'other.json');
  await writeFile(other, JSON.stringify(content), { mode: 0o600 });
  const stranger = await createVault({ keyFile: other });
  t.throws(() => stranger.open(sealed, 'x'), { code: 'WRONG_KEY' });
  await t.rejects(stranger.openDataKey(wrapped), { code: 'WRONG_KEY' });
});

t.test('equal values share a blind index within a purpose only', async (t) => {
  const { vault } = await newVault();
  t.equal(vault.blindIndex('1', 'ani'), vault.blindIndex('1', 'ani'));
  t.not(vault.blindIndex('1', 'ani'), vault.blindIndex('1', 'callBack'));
  t.not(vault.blindIndex('1', 'ani'), vault.blindIndex('2', 'ani'));
  t.not(vault.blindIndex('1', 'ani'), (await newVault()).vault.blindIndex('1', 'ani'));
});

t.test('the key file is private, made once, and faults in it are named without its content', async (t) => {
  const { keyFile } = await newVault();
  t.equal((await stat(keyFile)).mode & 0o777, 0o600);
  const before = await readFile(keyFile, 'utf8');
  t.equal(await createKeyFile(keyFile), 'exists');
  t.equal(await readFile(keyFile, 'utf8'), before);
  await chmod(keyFile, 0o640);
  await t.rejects(fileKeyProvider(keyFile), { code: 'KEY_FILE_EXPOSED' });
  await t.rejects(fileKeyProvider(join(folder, 'none.json')), { code: 'KEY_FILE_MISSING' });
  const faulty = join(folder, 'faulty.json');
  await writeFile(faulty, '{"current": topsecret', { mode: 0o600 });
  await t.rejects(fileKeyProvider(faulty), { code: 'KEY_FILE_INVALID', message: /^(?!.*topsecret).*$/s });
  await writeFile(faulty, JSON.stringify({ ...JSON.parse(before), current: 'k0' }));
  await t.rejects(fileKeyProvider(faulty), { code: 'KEY_FILE_INVALID' });
  await writeFile(faulty, JSON.stringify({ ...JSON.parse(before), indexKey: 'AAAA' }));
  await t.rejects(fileKeyProvider(faulty), { code: 'KEY_FILE_INVALID' });
});

t.test('a data key seals chunks by place, tells its own streams, and ends', async (t) => {
  const { vault } = await newVault();
  const { dataKey, wrapped } = await vault.newDataKey();
  const header = Buffer.from('header');
  const sealer = dataKey.sealer(header);
  const chunk = sealer.seal({ index: 5, last: true }, Buffer.from('audio'));
  t.same(placeOf(chunk.nonce), { index: 5, last: true });
  const again = await vault.openDataKey(wrapped);
  t.ok(again.matches(dataKey.check));
  t.equal(again.open(chunk, header).toString(), 'audio');
  t.throws(() => again.open(chunk, Buffer.from('other')), { code: 'TAMPERED' });
  t.not(
    dataKey.sealer(header).seal({ index: 5, last: true }, Buffer.from('other')).nonce.toString('hex'),
    chunk.nonce.toString('hex'),
    'a second attempt at the same place uses another nonce',
  );
  t.notOk((await vault.newDataKey()).dataKey.matches(dataKey.check));
  dataKey.destroy();
  t.throws(() => sealer.seal({ index: 6, last: false }, Buffer.alloc(1)), { code: 'KEY_DESTROYED' });
});
