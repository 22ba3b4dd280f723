import type { ContactView, QueueFigures, StepCondition } from './ports.ts';

/**
 * How long a contact will probably wait on: its place times what a contact takes, shared by those who can serve it.
 * Undefined: nobody on duty can. Simple on purpose (docs/metrics.md): it knows nothing of other queues' contacts.
 */
export function waitEstimateMs(input: {
  /** Within the queue, from 1. */
  readonly position: number;
  /** With wrap-up. */
  readonly handlingMs: number;
  /** Who could serve the contact now, busy or not. */
  readonly onDuty: number;
}): number | undefined {
  return input.onDuty === 0 ? undefined : Math.round((input.position * input.handlingMs) / input.onDuty);
}

export function estimateOf(
  contact: Pick<ContactView, 'position' | 'qualified'>,
  figures: QueueFigures | undefined,
  expectedHandlingMs: number,
): number | undefined {
  return waitEstimateMs({
    position: contact.position,
    handlingMs: figures?.handlingMs ?? expectedHandlingMs,
    onDuty: contact.qualified.onDuty,
  });
}

/** Whether a step is to be taken. An estimate nobody can give is above any; a service level without figures is 1. */
export function isConditionMet(
  condition: Exclude<StepCondition, 'anyQualified'>,
  now: { readonly estimateMs: number | undefined; readonly figures: QueueFigures | undefined },
): boolean {
  if ('estimateAboveMs' in condition) {
    return (now.estimateMs ?? Number.POSITIVE_INFINITY) > condition.estimateAboveMs;
  }
  return (now.figures?.serviceLevel ?? 1) < condition.serviceLevelBelow;
}
