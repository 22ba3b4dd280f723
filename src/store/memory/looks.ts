import { canServe } from '../../acd/index.ts';
import type { ContactId, OperatorId } from '../../foundation/index.ts';
import { type Best, bestNotHeld } from './best-members.ts';
import type { OperatorRecord } from './operator-pool.ts';
import type { QueueState } from './queue-state.ts';
import type { RankedSet } from './ranked-set.ts';
import type { WaitingRecord } from './waiting-room.ts';

/** The best ready operator for a contact and the five next best for the trace. A contact kept for one operator is not looked at here. */
export function bestOperatorsFor(state: QueueState, contact: WaitingRecord): Best<OperatorId> {
  const { pool } = state;
  const { medium, requirement } = contact;
  const { strategy } = requirement;
  if (strategy === 'randomWeighted') pool.renewDraws(medium);
  return bestNotHeld<OperatorId>(pool.headsOf(medium, strategy), {
    most: 6,
    isFit: (profileId) => canServe(pool.skillsOf(profileId), requirement),
    rankedOf: (profileId) => pool.readyOf(medium, strategy, profileId),
    isExcluded: (operatorId) => state.isExcluded(contact, operatorId),
    isHeld: (operatorId) => pool.records.get(operatorId)?.holds.has(contact.contactId) ?? false,
  });
}

/** The first of those who stand in the classes of `heads` that the operator may have. */
export function bestContactFor(
  state: QueueState,
  operator: OperatorRecord,
  {
    heads,
    rankedOf,
  }: { readonly heads: RankedSet<string>; readonly rankedOf: (classId: string) => RankedSet<ContactId> },
): Best<ContactId> {
  const { room } = state;
  return bestNotHeld<ContactId>(heads, {
    most: 1,
    isFit: (classId) => {
      const requirement = room.requirementOf(classId);
      return requirement !== undefined && canServe(operator.skills, requirement);
    },
    rankedOf,
    isExcluded: (contactId) => {
      const contact = room.records.get(contactId);
      return contact !== undefined && state.isExcluded(contact, operator.operatorId);
    },
    isHeld: (contactId) => operator.holds.has(contactId),
  });
}
