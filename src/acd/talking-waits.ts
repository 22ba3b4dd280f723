import { type Clock, dayMs, secondMs } from '../foundation/index.ts';
import type { TalkingWait, WaitRecords } from './level-ports.ts';

export interface TalkingWaitsParts {
  readonly waits: WaitRecords;
  /** Who is in conversation, with all processes. */
  readonly talking: () => Promise<readonly TalkingWait[]>;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/**
 * How long an answer to `talking` is good for. Who has come to the end of his conversation since is found by his record, which counts instead;
 * who was joined since is counted so much later.
 */
const goodForMs = secondMs;

/** No conversation lasts so long: of a period that ended before, everybody has his record. */
const longestConversationMs = dayMs;

/**
 * Waits with those of the conversations that are under way, as a contact is recorded when it is over and figures of the last minutes would otherwise be
 * told by those who gave up. Rejects as both do.
 */
export function withTalking({ waits, talking, clock }: TalkingWaitsParts): WaitRecords {
  let latest: { readonly askedAtMs: number; readonly found: Promise<readonly TalkingWait[]> } | undefined;
  const now = (): Promise<readonly TalkingWait[]> => {
    const askedAtMs = clock.nowMs();
    if (latest !== undefined && Math.abs(askedAtMs - latest.askedAtMs) < goodForMs) return latest.found;
    const asked = { askedAtMs, found: talking() };
    latest = asked;
    asked.found.catch(() => {
      if (latest === asked) latest = undefined;
    });
    return asked.found;
  };
  return {
    async tallies(asked) {
      const isLive = asked.periods.some(({ untilMs }) => untilMs > clock.nowMs() - longestConversationMs);
      // Before the records: whose conversation ends in between is in both, and counted by his record.
      return await waits.tallies(isLive ? { ...asked, talking: await now() } : asked);
    },
  };
}
