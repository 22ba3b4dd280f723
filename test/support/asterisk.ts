import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AsteriskProgram } from '../../src/foundation/index.ts';
import { locateOwnStack, rootsDirOf } from '../../src/runtime/own-stack.ts';
import { findAsterisk } from '../../src/runtime/programs.ts';

/** Asterisk for tests: out of an unpacked root that the environment names, or found as the product does. */
export async function asteriskProgram(): Promise<AsteriskProgram> {
  const root = process.env.DOZVON_RUNTIME_ROOT;
  if (root !== undefined && existsSync(join(root, 'usr/sbin/asterisk'))) return unpackedAsterisk(root);
  const own = locateOwnStack(fileURLToPath(new URL('../..', import.meta.url)), process.env);
  const { suite, programs, mirror, keyring } = own.settings;
  return await findAsterisk({
    rootsDir: rootsDirOf(own),
    suite,
    programs,
    ...(mirror === undefined ? {} : { mirror }),
    ...(keyring === undefined ? {} : { keyring }),
    onProgress: () => undefined,
  });
}

function unpackedAsterisk(root: string): AsteriskProgram {
  const libraries = `${join(root, 'usr/lib/x86_64-linux-gnu')}:${join(root, 'usr/lib')}`;
  const dataDir = join(root, 'usr/share/asterisk');
  return {
    version: '22.10.1',
    moduleDir: join(root, 'usr/lib/x86_64-linux-gnu/asterisk/modules'),
    dataDir,
    musicDir: join(dataDir, 'moh'),
    command: (args) => ({
      file: join(root, 'usr/lib64/ld-linux-x86-64.so.2'),
      args: ['--library-path', libraries, join(root, 'usr/sbin/asterisk'), ...args],
      env: {},
    }),
  };
}
