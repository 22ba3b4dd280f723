import type { ContactId, SaveAhead } from '../../foundation/index.ts';

export type SaveOutcome = 'saved' | 'leaseLost';

/** A live contact's save that the first verb given with it takes along. */
export class SaveBeforeVerb implements SaveAhead {
  readonly contactId: ContactId;
  /** As the scripts take it. */
  readonly words: readonly (string | number)[];
  /** Undefined: not sent yet, neither with a verb nor alone. */
  outcome: Promise<SaveOutcome> | undefined;

  constructor(contactId: ContactId, words: readonly (string | number)[]) {
    this.contactId = contactId;
    this.words = words;
  }
}
