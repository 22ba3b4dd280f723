import { setImmediate as nextTurn } from 'node:timers/promises';
import { concludingKinds, type TalkingWait } from '../acd/index.ts';
import type { ContactId } from '../foundation/index.ts';
import { stateContext } from './mailbox.ts';
import type { StateSealer } from './room-ports.ts';
import type { ContactState, StoredContact } from './state.ts';
import type { ContactStateStore } from './store-ports.ts';

/** Some 50 µs each: calls do not wait for a thousand of them to be opened. */
const openedAtOnce = 20;

/**
 * Who is in conversation with an operator, as every process saved it before the two were joined; a contact is among them until its record is
 * written. What cannot be opened is left out.
 */
export async function talkingWaits(parts: {
  readonly shards: readonly string[];
  readonly states: Pick<ContactStateStore, 'loadShard'>;
  readonly sealer: Pick<StateSealer, 'open'>;
}): Promise<readonly TalkingWait[]> {
  const { shards, states, sealer } = parts;
  const stored = (await Promise.all(shards.map((shard) => states.loadShard(shard)))).flat();
  const found: TalkingWait[] = [];
  for (const [i, one] of stored.entries()) {
    if (i > 0 && i % openedAtOnce === 0) await nextTurn();
    const state = openedState(one, sealer);
    if (state !== undefined) found.push(...waitOf(state));
  }
  return found;
}

function openedState(
  { contactId, sealedState }: { readonly contactId: ContactId; readonly sealedState: string },
  sealer: Pick<StateSealer, 'open'>,
): ContactState | undefined {
  try {
    return (JSON.parse(sealer.open(sealedState, stateContext(contactId))) as StoredContact).state;
  } catch {
    return undefined; // whoever takes its shard over tells of it
  }
}

function waitOf({ contactId, facts, callBack, timeline }: ContactState): readonly TalkingWait[] {
  const { lineId, queueId, enqueuedAtMs, waitMs, outcome, ani } = facts;
  if (outcome !== 'answeredByOperator' || callBack !== undefined) return [];
  if (lineId === undefined || queueId === undefined || enqueuedAtMs === undefined || waitMs === undefined) return [];
  const concluded = timeline.find(({ kind }) => (concludingKinds as readonly string[]).includes(kind));
  return [
    {
      contactId,
      lineId,
      queueId,
      enqueuedAtMs,
      waitMs,
      ...(concluded === undefined ? {} : { concludedAfterMs: concluded.atMs - enqueuedAtMs }),
      number: ani,
    },
  ];
}
