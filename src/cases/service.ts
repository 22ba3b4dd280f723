import type { Clock, CommandMeta } from '../foundation/index.ts';
import type { CaseRepository, OutboxNotice, RequestDraft, StoredRequest } from './ports.ts';

export interface CaseService {
  /**
   * Stores the request with its confirmation to the caller in one transaction and returns its number, which may be spoken from
   * then on. `place` is where in the flow it was asked for: the same contact at the same place gets the same request again.
   * Rejects with the repository's code when nothing could be stored.
   */
  registerRequest(
    draft: Omit<RequestDraft, 'createdAtMs'>,
    options: { readonly place: string; readonly meta: CommandMeta },
  ): Promise<StoredRequest>;
}

export function createCaseService(parts: { readonly repository: CaseRepository; readonly clock: Clock }): CaseService {
  return {
    registerRequest: (draft, { place, meta }) =>
      parts.repository.storeRequest(
        { ...draft, createdAtMs: parts.clock.nowMs() },
        {
          idempotencyKey: `${draft.contactId}/${place}`,
          notices: (caseNumber) => confirmations(draft, caseNumber),
          meta,
        },
      ),
  };
}

/** What the caller is told once the request is stored. A request without a number to reach has nobody to tell. */
function confirmations(draft: Omit<RequestDraft, 'createdAtMs'>, caseNumber: string): readonly OutboxNotice[] {
  if (draft.callBackNumber === '') return [];
  const parameters = { caseNumber, topic: draft.topic, language: draft.language };
  return [{ channel: 'sms', to: draft.callBackNumber, template: 'requestRegistered', parameters }];
}
