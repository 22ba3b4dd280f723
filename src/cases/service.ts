import type { CaseId, CommandMeta } from '../foundation/index.ts';
import type { CaseRepository, OutboxNotice, RequestDraft, StoredRequest } from './ports.ts';

export interface CaseService {
  /**
   * Stores the request with its confirmation to the caller in one transaction and returns its number, which may be spoken from
   * then on. `idempotencyKey` says which contact asked at which place in the flow: the same again gets the same request.
   * Rejects with the repository's code when nothing could be stored.
   */
  storeRequest(request: RequestDraft & { readonly idempotencyKey: string }, meta: CommandMeta): Promise<StoredRequest>;
  /** Its caller has been served otherwise before anybody took it up: nobody needs to. */
  closeUnworked(
    closing: { readonly caseId: CaseId; readonly atMs: number },
    meta: CommandMeta,
  ): Promise<'closed' | 'beingWorkedOn' | 'unknownCase'>;
}

export function createCaseService(parts: { readonly repository: CaseRepository }): CaseService {
  return {
    storeRequest: ({ idempotencyKey, ...draft }, meta) =>
      parts.repository.storeRequest(draft, {
        idempotencyKey,
        notices: (caseNumber) => confirmations(draft, caseNumber),
        meta,
      }),
    closeUnworked: (closing, meta) => parts.repository.closeUnworked(closing, meta),
  };
}

/** What the caller is told once the request is stored. A request without a number to reach has nobody to tell. */
function confirmations(draft: RequestDraft, caseNumber: string): readonly OutboxNotice[] {
  if (draft.callBackNumber === '') return [];
  const parameters = { caseNumber, topic: draft.topic, language: draft.language };
  return [{ channel: 'sms', to: draft.callBackNumber, template: 'requestRegistered', parameters }];
}
