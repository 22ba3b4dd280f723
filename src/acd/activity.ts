import type { QueueMoveKind } from './ports.ts';

/** What a move of the queue means for an operator's day: his presence or his work state in voice changes to `value`. */
export interface ActivityMeaning {
  readonly aspect: 'presence' | 'work/voice';
  readonly value: string;
  readonly reason?: string;
}

/** Undefined: the move changes neither. `facts` are those of the event. Source of occupancy and shift reports. */
export function activityOf(kind: QueueMoveKind, facts: Readonly<Record<string, unknown>>): ActivityMeaning | undefined {
  switch (kind) {
    case 'operatorSignedIn':
      return { aspect: 'presence', value: 'notReady', reason: 'signedIn' };
    case 'operatorSignedOut':
    case 'operatorRemoved':
      return { aspect: 'presence', value: 'loggedOff' };
    case 'presenceChanged':
      return {
        aspect: 'presence',
        value: String(facts.presence),
        ...(typeof facts.why === 'string' ? { reason: facts.why } : {}),
      };
    case 'offerReserved':
      return { aspect: 'work/voice', value: 'offered' };
    case 'offerConnected':
      return { aspect: 'work/voice', value: 'connected' };
    case 'operatorReleased':
      return { aspect: 'work/voice', value: facts.wrapUp === true ? 'wrapUp' : 'idle' };
    case 'offerGivenBack':
    case 'contactWithdrawn':
    case 'wrapUpOver':
      return { aspect: 'work/voice', value: 'idle' };
    case 'operatorRegistered':
    case 'reachabilityChanged':
    case 'setAsideEnded':
    case 'contactEnqueued':
    case 'wrapUpExtended':
    case 'notReadyAsked':
    case 'skillsChanged':
    case 'outsideCallChanged':
    case 'stepTaken':
    case 'preferenceOver':
    case 'contactMoved':
    case 'priorityChanged':
      return undefined;
    default:
      return fromALaterVersion(kind);
  }
}

/** During an upgrade the stream holds moves that this version does not know. */
function fromALaterVersion(_kind: never): undefined {
  return undefined;
}
