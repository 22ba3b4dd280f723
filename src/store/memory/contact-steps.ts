import type { RequirementClass, StepCondition, StepState } from '../../acd/index.ts';

export interface StepRecord {
  readonly requirement: RequirementClass;
  readonly dueAtMs: number;
  readonly considerIf: StepCondition | undefined;
  state: StepState;
}

/** The twin of `advance` in steps.lua: brings a contact's steps up to now. */
export function advance(
  steps: readonly StepRecord[],
  now: {
    readonly nowMs: number;
    readonly qualifiedLoggedIn: (requirement: RequirementClass) => number;
    /** The caller's answer to a question asked before. */
    readonly answer: { readonly step: number; readonly isMet: boolean } | undefined;
  },
): { readonly changed: boolean; readonly question: number | undefined } {
  const isUnserved = (step: StepRecord): boolean =>
    step.considerIf === 'anyQualified' && now.qualifiedLoggedIn(step.requirement) === 0;
  let changed = false;
  let active = activeStep(steps);
  let atOnce = isUnserved(active);
  for (;;) {
    const ahead = steps.findIndex((step) => step.state === 'ahead');
    const step = steps[ahead];
    if (step === undefined || !(atOnce || step.dueAtMs <= now.nowMs)) return { changed, question: undefined };
    let isMet = true;
    if (step.considerIf === 'anyQualified') {
      isMet = !isUnserved(step) || (ahead === steps.length - 1 && isUnserved(active));
      if (!isMet) atOnce = true;
    } else if (step.considerIf !== undefined) {
      if (now.answer?.step !== ahead + 1) return { changed, question: ahead + 1 };
      isMet = now.answer.isMet;
      if (!isMet) atOnce = isUnserved(active);
    }
    changed = true;
    if (isMet) {
      active.state = isUnserved(active) ? 'skipped' : 'expired';
      step.state = 'active';
      active = step;
      atOnce = isUnserved(step);
    } else step.state = 'skipped';
  }
}

export function activeStep(steps: readonly StepRecord[]): StepRecord {
  return (steps.find((step) => step.state === 'active') ?? steps[0]) as StepRecord;
}
