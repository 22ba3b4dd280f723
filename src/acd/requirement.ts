import { createHash } from 'node:crypto';
import type { OperatorProfile, OperatorStrategy, RequirementClass, Skills, SkillTerm } from './ports.ts';

/** 16 hexadecimal digits (64 bits) of SHA-256: short in keys, and a clash among thousands of contents is out of reach. */
function contentId(prefix: string, content: unknown): string {
  return `${prefix}${createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16)}`;
}

/**
 * The class of a requirement: same terms in any order and same strategy give the same `classId` in every process.
 * A skill named twice counts once, with its higher level.
 */
export function requirementClass(terms: readonly SkillTerm[], strategy: OperatorStrategy): RequirementClass {
  const levels = new Map<string, number>();
  for (const term of terms) levels.set(term.skill, Math.max(term.minLevel, levels.get(term.skill) ?? 0));
  const canonical = [...levels]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([skill, minLevel]): SkillTerm => ({ skill, minLevel }));
  return {
    classId: contentId('r', { terms: canonical.map((term) => [term.skill, term.minLevel]), strategy }),
    terms: canonical,
    strategy,
  };
}

/** The profile of a set of skills. A level below 1 is a skill the operator does not have. */
export function operatorProfile(skills: Skills): OperatorProfile {
  const entries = Object.entries(skills)
    .filter(([, level]) => level >= 1)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return { profileId: contentId('p', entries), skills: Object.fromEntries(entries) };
}

/** Whether operators with these skills may be offered contacts of this class. */
export function canServe(skills: Skills, requirement: Pick<RequirementClass, 'terms'>): boolean {
  return requirement.terms.every((term) => (skills[term.skill] ?? 0) >= term.minLevel);
}
