import type { ContactView, OperatorView } from './ports.ts';
import { canServe } from './requirement.ts';

/** Why an operator is not offered a contact now. */
export type WhyNot =
  | 'notSignedIn'
  | 'loggedOff'
  | 'notReady'
  | 'notReadyNext'
  | 'unreachable'
  | 'outsideCall'
  | 'setAside'
  | 'noCapacity'
  | 'busy'
  | 'lacksSkills'
  | 'excluded'
  | 'keptForPreferred'
  | 'holdsContact'
  | 'contactOffered';

/** Every reason that holds now; none: he may be offered it, and who is ranked before him is offered it first. */
export function whyNot(operator: OperatorView, contact: ContactView): readonly WhyNot[] {
  const { medium } = contact;
  const isVoice = medium === 'voice';
  const capacity = operator.capacity[medium] ?? 0;
  const reasons: readonly (readonly [WhyNot, boolean])[] = [
    ['notSignedIn', !operator.signedIn],
    ['loggedOff', operator.signedIn && operator.presence === 'loggedOff'],
    ['notReady', operator.presence === 'notReady'],
    ['notReadyNext', operator.notReadyNext !== undefined],
    ['unreachable', isVoice && !operator.reachable],
    ['outsideCall', isVoice && operator.outsideCall],
    ['setAside', operator.setAsideUntilMs !== undefined],
    ['noCapacity', capacity === 0],
    ['busy', capacity > 0 && (operator.held[medium] ?? 0) >= capacity],
    ['lacksSkills', !canServe(operator.skills, contact.requirement)],
    ['excluded', contact.exclusionsCount && contact.excluded.includes(operator.operatorId)],
    ['keptForPreferred', contact.preferred !== undefined && contact.preferred.operatorId !== operator.operatorId],
    ['holdsContact', operator.contactId === contact.contactId],
    ['contactOffered', contact.offerId !== undefined && contact.offerId !== operator.offerId],
  ];
  return reasons.flatMap(([reason, holds]) => (holds ? [reason] : []));
}
