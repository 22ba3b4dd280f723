import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { DozvonError } from '../foundation/index.ts';
import { readText } from './platform.ts';
import { isAlive, nameProcess, type ProcessName } from './process-facts.ts';

const retryMs = 300;

function holderOf(file: string): ProcessName | undefined {
  try {
    return JSON.parse(readText(file) ?? '') as ProcessName;
  } catch {
    return undefined;
  }
}

/**
 * Runs `work` while this process alone holds the lock file. A lock whose holder has died is taken over. `onWait` is told once who
 * holds it; `LOCK_TIMED_OUT` after `limitMs`.
 */
export async function underFileLock<T>(
  file: string,
  options: { readonly limitMs: number; readonly onWait: (pid: number) => void },
  work: () => Promise<T>,
): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  const mine = nameProcess(process.pid);
  const draft = `${file}.${process.pid}`;
  const deadline = Date.now() + options.limitMs;
  let told = false;
  for (;;) {
    try {
      // Written whole and linked into place: a reader never meets a lock without its holder in it.
      writeFileSync(draft, JSON.stringify(mine));
      linkSync(draft, file);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = holderOf(file);
      if (holder === undefined || !isAlive(holder)) rmSync(file, { force: true });
      else {
        if (Date.now() > deadline)
          throw new DozvonError(
            'LOCK_TIMED_OUT',
            `${file} has been held by process ${holder.pid} for too long: end that process and try again.`,
          );
        if (!told) options.onWait(holder.pid);
        told = true;
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    } finally {
      rmSync(draft, { force: true });
    }
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}
