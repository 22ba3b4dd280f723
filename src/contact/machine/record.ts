import type { ContactState, Leg } from '../state.ts';
import type { ContactRecord } from '../store-ports.ts';
import { type Draft, emit } from './draft.ts';

/** The permanent record of the contact as it stands. */
export function recordOf(state: ContactState, nodeId: string): ContactRecord {
  const { evaluateAtMs: _testing, language: _language, ...facts } = state.facts;
  return {
    ...facts,
    contactId: state.contactId,
    nodeId,
    configVersion: state.configVersion,
    arrivedAtMs: state.arrivedAtMs,
    legs: state.legs.map(recordedLeg),
    timeline: state.timeline,
  };
}

export function putRecord(draft: Draft): void {
  emit(draft, { type: 'putRecord' });
}

function recordedLeg(leg: Leg): ContactRecord['legs'][number] {
  return {
    legId: leg.legId,
    role: leg.role,
    startedAtMs: leg.startedAtMs,
    ...(leg.operatorId === undefined ? {} : { operatorId: leg.operatorId }),
    ...(leg.endedAtMs === undefined ? {} : { endedAtMs: leg.endedAtMs }),
  };
}
