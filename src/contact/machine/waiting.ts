import { beginTelling } from '../../ivr/index.ts';
import type { QueuedPhase } from '../state.ts';
import { followAnnouncements } from './announcing.ts';
import { followClosingTime } from './closing-time.ts';
import type { Draft } from './draft.ts';
import { followLadder } from './ladder.ts';
import { followLimit } from './queue-limits.ts';
import { followReturning } from './returning.ts';

/** What a contact begins with in a queue that tells its callers something or has a ladder; nothing in any other. */
export function beginWait(draft: Draft, queueId: string): Pick<QueuedPhase, 'told' | 'ladder'> | undefined {
  const { announcements } = draft.rules.waiting(queueId, draft.state.facts.lineId);
  const hasLadder = draft.rules.queue(queueId)?.ladder !== undefined;
  if (announcements === undefined && !hasLadder) return undefined;
  return {
    ...(announcements === undefined ? {} : { told: beginTelling(announcements, draft.nowMs) }),
    ...(hasLadder ? { ladder: { taken: 0 } } : {}),
  };
}

/** After every event of a waiting contact: what is due. What is missed while an operator answers is made up for when he is gone again. */
export function followWait(draft: Draft): void {
  followClosingTime(draft);
  followLimit(draft);
  followReturning(draft);
  followLadder(draft);
  followAnnouncements(draft);
}
