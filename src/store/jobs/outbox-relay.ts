import type { NoticeGateway, Outbox, OutboxNotice } from '../../cases/index.ts';
import { type Clock, hourMs, type Logger, messageOf, minuteMs } from '../../foundation/index.ts';

/** A gateway answers within seconds; whoever died while sending is replaced after this. */
const claimMs = 2 * minuteMs;
const firstRetryMs = minuteMs;
const longestRetryMs = hourMs;
/** About a day of trying. */
const mostAttempts = 24;

export type NoticeGateways = Readonly<Partial<Record<OutboxNotice['channel'], NoticeGateway>>>;

/** What is to be done with a notice after a try: nothing more, or look again at an instant. */
export type RelayResult =
  | { readonly outcome: 'done' | 'noGateway' }
  | { readonly outcome: 'later'; readonly atMs: number };

/**
 * Tries to send one notice. Nobody else sends it meanwhile (it is claimed), and a try that was cut off is made again after the
 * claim has run out: a gateway sees such a notice twice under one id. Without a gateway the notice stays pending.
 */
export async function relayNotice(
  noticeId: string,
  parts: { readonly outbox: Outbox; readonly gateways: NoticeGateways; readonly clock: Clock; readonly logger: Logger },
): Promise<RelayResult> {
  const { outbox, gateways, clock, logger } = parts;
  if (gateways.sms === undefined) return { outcome: 'noGateway' };
  const nowMs = clock.nowMs();
  const claim = await outbox.claim(noticeId, { nowMs, claimUntilMs: nowMs + claimMs });
  if (claim.outcome === 'notDue') return { outcome: 'later', atMs: claim.dueAtMs };
  if (claim.outcome === 'taken') return { outcome: 'later', atMs: nowMs + claimMs };
  if (claim.outcome !== 'claimed') return { outcome: 'done' };

  const answer = await send(gateways.sms, { ...claim.notice, noticeId }, { logger });
  const answeredAtMs = clock.nowMs();
  if (answer === 'accepted') {
    await outbox.sent(noticeId, answeredAtMs);
    return { outcome: 'done' };
  }
  const again = answer === 'unavailable' && claim.attempts < mostAttempts;
  if (!again) {
    await outbox.attemptFailed(noticeId, { failure: answer, nowMs: answeredAtMs });
    logger.warn({ noticeId, failure: answer, attempts: claim.attempts }, 'a notice cannot be sent');
    return { outcome: 'done' };
  }
  const retryAtMs = answeredAtMs + Math.min(longestRetryMs, firstRetryMs * 2 ** (claim.attempts - 1));
  await outbox.attemptFailed(noticeId, { failure: answer, nowMs: answeredAtMs, retryAtMs });
  return { outcome: 'later', atMs: retryAtMs };
}

/** A gateway that throws is away; what it threw may quote the notice, so only its kind is logged. */
async function send(
  gateway: NoticeGateway,
  notice: OutboxNotice & { readonly noticeId: string },
  { logger }: { readonly logger: Logger },
): Promise<'accepted' | 'refused' | 'unavailable'> {
  try {
    return await gateway.send(notice);
  } catch (error) {
    logger.warn({ noticeId: notice.noticeId, pii: { reason: messageOf(error) } }, 'the gateway of notices failed');
    return 'unavailable';
  }
}
