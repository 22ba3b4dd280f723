import fc from 'fast-check';
import t from 'tap';
import {
  canServeWritten,
  contactScore,
  type Expression,
  estimateOf,
  expressionText,
  isConditionMet,
  type OperatorFacts,
  occupancyAfter,
  occupancyMemoryMs,
  occupancyRank,
  operatorScore,
  parseExpression,
  queueSchema,
  requirementClass,
  requirementExpression,
  satisfies,
  skillTotal,
  waitEstimateMs,
} from '../../src/acd/index.ts';
import { minuteMs } from '../../src/foundation/index.ts';

const skillNames = ['a', 'b', 'language_tat'] as const;
type Skills = Readonly<Record<string, number>>;

/** A text, and what it means by the way it was put together. */
interface Said {
  readonly text: string;
  readonly isMet: (skills: Skills) => boolean;
}

const leaf = fc.record({ skill: fc.constantFrom(...skillNames), level: fc.integer({ min: 1, max: 10 }) }).map(
  ({ skill, level }): Said => ({
    text: `${skill} >= ${level}`,
    isMet: (skills) => (skills[skill] ?? 0) >= level,
  }),
);
const words: readonly Said[] = [
  { text: 'a', isMet: (skills) => (skills.a ?? 0) >= 1 },
  { text: 'anyone', isMet: () => true },
  { text: 'not anyone', isMet: () => false },
];
const { said: expressions } = fc.letrec<{ said: Said }>((tie) => ({
  said: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.constantFrom(...words),
    tie('said').map((inner): Said => ({ text: `not (${inner.text})`, isMet: (skills) => !inner.isMet(skills) })),
    fc.tuple(tie('said'), tie('said')).map(
      ([left, right]): Said => ({
        text: `(${left.text}) and (${right.text})`,
        isMet: (skills) => left.isMet(skills) && right.isMet(skills),
      }),
    ),
    fc.tuple(tie('said'), tie('said')).map(
      ([left, right]): Said => ({
        text: `(${left.text}) or (${right.text})`,
        isMet: (skills) => left.isMet(skills) || right.isMet(skills),
      }),
    ),
  ),
}));
const skillSets = fc.dictionary(fc.constantFrom(...skillNames), fc.integer({ min: 1, max: 10 }));

function parsed(text: string): Expression {
  const result = parseExpression(text);
  if (!result.ok) throw new Error(`${text}: expected ${result.fault.expected}, got ${result.fault.got}`);
  return result.expression;
}

t.test('an expression means what its text says, in any normal form', async (t) => {
  fc.assert(
    fc.property(expressions, skillSets, (said, skills) => {
      const expression = parsed(said.text);
      if (satisfies(skills, expression) !== said.isMet(skills)) return false;
      const again = expressionText(expression);
      return JSON.stringify(parsed(again)) === JSON.stringify(expression);
    }),
    { numRuns: 2_000 },
  );
  t.pass('kept');
});

t.test('not binds closest, then and, then or', async (t) => {
  t.same(parsed('a or b and not c'), parsed('a or (b and (not c))'));
  t.not(canServeWritten({ a: 1, c: 1 }, '(a or b) and not c'), true);
  t.equal(canServeWritten({ a: 1, c: 1 }, 'a or b and not c'), true);
});

t.test('one meaning, one class: order, nesting and repetition do not matter', async (t) => {
  const id = (text: string): string => requirementClass(text, 'longestIdle').classId;
  t.equal(id('a >= 3 and b'), id('(b >= 1) and (a >= 3 and a >= 2)'));
  t.equal(id('not (a or b)'), id('not b and not a'));
  t.equal(id('a or a >= 4'), id('a'));
  t.equal(requirementClass([{ skill: 'a', minLevel: 3 }], 'longestIdle').classId, id('a >= 3'));
  t.not(id('a >= 3'), id('a >= 4'));
  t.not(id('a'), requirementClass('a', 'roundRobin').classId, 'another strategy is another class');
});

t.test('a text that is no expression is refused with the place and what was expected', async (t) => {
  const faults: readonly (readonly [string, number, RegExp, string])[] = [
    ['', 1, /a skill/, 'the end'],
    ['a >= 11', 6, /a level from 1 to 10/, '"11"'],
    ['a >= 0', 6, /a level from 1 to 10/, '"0"'],
    ['a >= 2.5', 6, /a level from 1 to 10/, '"2.5"'],
    ['a >=', 5, /a level from 1 to 10/, 'the end'],
    ['a and', 6, /a skill/, 'the end'],
    ['(a or b', 8, /"\)"/, 'the end'],
    ['a b', 3, /"and", "or" or the end/, '"b"'],
    ['a > 3', 3, /"and", "or" or the end/, '">"'],
    ['a and Documents', 7, /a skill/, '"Documents"'],
  ];
  for (const [text, at, expected, got] of faults) {
    t.match(parseExpression(text), { ok: false, fault: { at, expected, got } }, text);
  }
  t.throws(() => requirementExpression('a and'), { code: 'REQUIREMENT_MISREAD' });
  t.same((parseExpression('a >= 2 and not b') as { mentions: unknown }).mentions, [
    { skill: 'a', at: 1 },
    { skill: 'b', at: 16 },
  ]);
});

t.test('settings: expressions, steps and limits, and what is wrong with them', async (t) => {
  const queue = { id: 'a', name: 'A', requirement: 'a >= 3' };
  const steps = [
    { afterMs: 5_000, requirement: 'a', considerIf: 'anyQualified' },
    { afterMs: 9_000, requirement: 'anyone', considerIf: { estimateAboveMs: 60_000 } },
  ];
  t.match(queueSchema.parse({ ...queue, steps, limits: { length: { most: 9, to: { queue: 'b' } } } }), { steps });
  t.equal(queueSchema.safeParse({ ...queue, steps: [...steps].reverse() }).success, false);
  t.equal(queueSchema.safeParse({ ...queue, requirement: 'a >=' }).success, false);
  t.equal(queueSchema.safeParse({ ...queue, strategy: 'loudest' }).success, false);
});

t.test('a contact is never passed over for longer than head starts and targets allow', async (t) => {
  const minutes = fc.integer({ min: 0, max: 60 * minuteMs });
  const contacts = fc.record({ enqueuedAtMs: minutes, answerTargetMs: minutes, headStartMs: minutes });
  fc.assert(
    fc.property(contacts, contacts, (one, other) => {
      const laterMs = other.enqueuedAtMs - one.enqueuedAtMs;
      const allowedMs = other.headStartMs - one.headStartMs + one.answerTargetMs - other.answerTargetMs;
      return laterMs <= allowedMs || contactScore(one) < contactScore(other);
    }),
    { numRuns: 2_000 },
  );
  t.equal(
    contactScore({ enqueuedAtMs: 30, answerTargetMs: 100, headStartMs: 30 }),
    contactScore({ enqueuedAtMs: 0, answerTargetMs: 100, headStartMs: 0 }),
  );
});

t.test('scores: a count goes before an instant, and instants decide between equals', async (t) => {
  const now = 1_800_000_000_000;
  const facts = (change: Partial<OperatorFacts>): OperatorFacts => ({
    readySinceMs: now,
    contactsTaken: 0,
    skillTotal: 5,
    lastOfferedMs: 0,
    occupancyRank: 0,
    drawRank: 0,
    ...change,
  });
  const before = (strategy: Parameters<typeof operatorScore>[0], one: object, other: object): boolean =>
    operatorScore(strategy, facts(one)) < operatorScore(strategy, facts(other));
  t.ok(before('longestIdle', { readySinceMs: 1 }, { readySinceMs: 2 }));
  t.ok(before('fewestContacts', { contactsTaken: 2_000 }, { contactsTaken: 2_001, readySinceMs: 0 }));
  t.ok(before('fewestContacts', { contactsTaken: 2_000 }, { contactsTaken: 2_000, readySinceMs: now + 1 }));
  t.ok(before('leastSkilled', { skillTotal: 5 }, { skillTotal: 6, readySinceMs: 0 }));
  t.ok(before('mostSkilled', { skillTotal: 6 }, { skillTotal: 5, readySinceMs: 0 }));
  t.ok(before('mostSkilled', { skillTotal: 600 }, { skillTotal: 600, readySinceMs: now + 1 }));
  t.ok(before('roundRobin', { lastOfferedMs: 1 }, { lastOfferedMs: 2 }));
  t.equal(skillTotal({ a: 3, b: 4 }), 7);
});

t.test('the order by occupancy does not change while operators are idle', async (t) => {
  const now = 1_800_000_000_000;
  const share = fc.double({ min: 0.001, max: 1, noNaN: true });
  const ago = fc.integer({ min: 0, max: 8 * 60 * minuteMs });
  fc.assert(
    fc.property(share, ago, share, ago, ago, (oneShare, oneAgo, otherShare, otherAgo, later) => {
      const [one, other] = [occupancyRank(oneShare, now - oneAgo, 0), occupancyRank(otherShare, now - otherAgo, 0)];
      const nowOne = occupancyAfter(oneShare, 'idle', oneAgo + later);
      const nowOther = occupancyAfter(otherShare, 'idle', otherAgo + later);
      // Ranks are whole milliseconds, shares are rounded: closer than that they are equal.
      return Math.abs(one - other) <= 2 || Math.abs(nowOne - nowOther) < 1e-9 || one < other === nowOne < nowOther;
    }),
    { numRuns: 2_000 },
  );
  t.equal(occupancyAfter(0, 'busy', occupancyMemoryMs), Math.round((1 - Math.exp(-1)) * 1e12) / 1e12);
  t.equal(occupancyAfter(0.5, 'paused', occupancyMemoryMs), 0.5, 'a break counts as neither');
  t.ok(occupancyRank(0, now, now) < occupancyRank(0.001, now - 8 * 60 * minuteMs, 0), 'never busy comes first');
});

t.test('estimates and conditions on them', async (t) => {
  t.equal(
    waitEstimateMs({ position: 3, handlingMs: 180_000, onDuty: 6 }),
    80_366,
    'the median of three stages of 30 s',
  );
  t.equal(waitEstimateMs({ position: 3, handlingMs: 180_000, onDuty: 0 }), undefined);
  const contact = { position: 2, qualified: { loggedIn: 5, onDuty: 4 } };
  t.equal(estimateOf(contact, { handlingMs: 100_000 }, 180_000), 42_121);
  t.equal(estimateOf(contact, undefined, 180_000), 75_818);
  const figures = { serviceLevel: 0.7 };
  t.equal(isConditionMet({ estimateAboveMs: 60_000 }, { estimateMs: 60_001, figures }), true);
  t.equal(isConditionMet({ estimateAboveMs: 60_000 }, { estimateMs: 60_000, figures }), false);
  t.equal(isConditionMet({ estimateAboveMs: 60_000 }, { estimateMs: undefined, figures }), true, 'nobody on duty');
  t.equal(isConditionMet({ serviceLevelBelow: 0.8 }, { estimateMs: 0, figures }), true);
  t.equal(isConditionMet({ serviceLevelBelow: 0.8 }, { estimateMs: 0, figures: undefined }), false);
});
