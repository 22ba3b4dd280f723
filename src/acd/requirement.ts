import { createHash } from 'node:crypto';
import { DozvonError } from '../foundation/index.ts';
import { type Expression, parseExpression, satisfies, termsExpression } from './expression.ts';
import type { OperatorProfile, OperatorStrategy, RequirementClass, Skills, SkillTerm } from './ports.ts';

/** A requirement as people write it: a list of terms that must all hold, or an expression. */
export type WrittenRequirement = readonly SkillTerm[] | string;

/** 16 hexadecimal digits (64 bits) of SHA-256: short in keys, and a clash among thousands of contents is out of reach. */
function contentId(prefix: string, content: unknown): string {
  return `${prefix}${createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16)}`;
}

/** `DozvonError('REQUIREMENT_MISREAD')` for a text that is no expression; settings are checked before. */
export function requirementExpression(written: WrittenRequirement): Expression {
  if (typeof written !== 'string') return termsExpression(written);
  const parsed = parseExpression(written);
  if (parsed.ok) return parsed.expression;
  const { at, expected, got } = parsed.fault;
  throw new DozvonError('REQUIREMENT_MISREAD', `expected ${expected} at character ${at} of a requirement, got ${got}`);
}

/** The class of a requirement: the same normal form and the same strategy give the same `classId` in every process. */
export function requirementClass(written: WrittenRequirement, strategy: OperatorStrategy): RequirementClass {
  const expression = requirementExpression(written);
  return { classId: contentId('r', { expression, strategy }), expression, strategy };
}

/** The profile of a set of skills. A level below 1 is a skill the operator does not have. */
export function operatorProfile(skills: Skills): OperatorProfile {
  const entries = Object.entries(skills)
    .filter(([, level]) => level >= 1)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return { profileId: contentId('p', entries), skills: Object.fromEntries(entries) };
}

/** All levels together: what "least" and "most skilled" go by. */
export function skillTotal(skills: Skills): number {
  return Object.values(skills).reduce((total, level) => total + Math.max(0, level), 0);
}

/** Whether operators with these skills may be offered contacts of this class. */
export function canServe(skills: Skills, requirement: Pick<RequirementClass, 'expression'>): boolean {
  return satisfies(skills, requirement.expression);
}

/** `canServe` for a requirement as written. */
export function canServeWritten(skills: Skills, written: WrittenRequirement): boolean {
  return satisfies(skills, requirementExpression(written));
}
