import type { CommandOutcome } from '../contact/ports.ts';

/** How Asterisk answered a command, as far as an outcome follows from it. */
export interface Answer {
  readonly ok: boolean;
  readonly status: number;
}

/**
 * 404: no such leg, bridge or playback. 400 comes from bridges whose leg is no more, 422 from bridges the leg is not in.
 * 409 and the rest: Asterisk understood and would not (not in Stasis, wrong state, no such device).
 */
export function outcomeOf(answer: Answer): CommandOutcome {
  if (answer.ok) return 'done';
  return answer.status === 404 || answer.status === 400 || answer.status === 422 ? 'gone' : 'refused';
}

/** For things we name ourselves: 409 says that the name is taken, by an earlier attempt of ours. */
export function outcomeOfCreation(answer: Answer): CommandOutcome {
  return answer.status === 409 ? 'exists' : outcomeOf(answer);
}
