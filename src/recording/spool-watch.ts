import { type CancelTimer, type Clock, DozvonError, type Logger, messageOf } from '../foundation/index.ts';
import type { Spool } from './spool.ts';

/** How often the spool's space is looked at while calls are recorded; also the backstop for an overflowed event queue. */
const beatMs = 10_000;
/** Below this Asterisk's next writes may fail: sound may be missing from what is recorded now. */
const fullBytes = 256 * 1_024;
/** The share of the spool that is left when it is time to call somebody. */
const scarceShare = 0.1;

/**
 * Starts the spool and watches its files and its space. Rejects with `SPOOL_NOT_IN_MEMORY` unless a spool on a disk is allowed.
 * The returned function ends it.
 */
export async function watchSpool(options: {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onDisk: 'allow' | 'refuse';
  /** A file may have grown; without a name, any of them. */
  readonly grown: (file?: string) => void;
  /** Sound may be lost from now on. */
  readonly full: () => void;
  readonly following: () => number;
}): Promise<() => void> {
  const { spool, clock, logger } = options;
  await spool.start(options.grown);
  const { kind, totalBytes, swaps } = await spool.space();
  if (kind === 'disk' && options.onDisk === 'refuse') {
    spool.stop();
    throw new DozvonError(
      'SPOOL_NOT_IN_MEMORY',
      'the recording spool must be on tmpfs: plain audio never touches a disk',
    );
  }
  if (swaps) logger.warn({}, 'this machine swaps: plain audio of calls may reach a disk; turn swap off or encrypt it');
  logger.info({ spoolBytes: totalBytes }, 'recording spool ready');

  const look = async (): Promise<void> => {
    if (options.following() === 0) return;
    options.grown();
    const { freeBytes, totalBytes: bytes } = await spool.space();
    if (freeBytes > bytes * scarceShare) return;
    const facts = { freeBytes, totalBytes: bytes, files: options.following() };
    if (freeBytes > fullBytes) {
      logger.warn(facts, 'the recording spool is nearly full');
      return;
    }
    logger.error(facts, 'the recording spool is full: calls go on, the recordings of now will say failed');
    options.full();
  };
  let cancel: CancelTimer = () => {};
  let stopped = false;
  const schedule = (): void => {
    if (stopped) return;
    cancel = clock.setTimer(clock.nowMs() + beatMs, () => {
      look()
        .catch((error: unknown) =>
          logger.error({ why: messageOf(error) }, 'the recording spool could not be looked at'),
        )
        .finally(schedule);
    });
  };
  schedule();
  return () => {
    stopped = true;
    cancel();
    spool.stop();
  };
}
