import type { ContactId } from './ids.ts';

/** Who caused a command. Every command carries one, with a reason (a short machine-readable word or a person's text). */
export type Actor =
  | { readonly kind: 'caller'; readonly id: string }
  | { readonly kind: 'operator'; readonly id: string }
  | { readonly kind: 'staff'; readonly id: string }
  | { readonly kind: 'token'; readonly id: string }
  | { readonly kind: 'system'; readonly id: string };

export interface CommandMeta {
  readonly actor: Actor;
  readonly reason: string;
  /** A save that the command takes along: both are one step, the save first, and without the save no command. */
  readonly ahead?: SaveAhead;
}

/** A save that waits for its command. Made and understood by the stores alone: everybody else hands it on. */
export interface SaveAhead {
  readonly contactId: ContactId;
}

/** The meta of what the service does by itself. `part` names the room or process, `reason` says why. */
export function bySystem(part: string, reason: string): CommandMeta {
  return { actor: { kind: 'system', id: part }, reason };
}
