import type { Skills, SkillTerm } from './ports.ts';

/**
 * What an operator must be able to do, in normal form: `not` stands nowhere but in `below` ("not skill >= level"), an
 * `all` holds no `all` and an `any` no `any`, members are sorted and there once. An empty `all` is "anyone".
 */
export type Expression = ExpressionTerm | ExpressionGroup;

export interface ExpressionTerm {
  readonly kind: 'atLeast' | 'below';
  readonly skill: string;
  readonly level: number;
}

export interface ExpressionGroup {
  readonly kind: 'all' | 'any';
  readonly of: readonly Expression[];
}

/** What is wrong in the text of an expression. */
export interface ExpressionFault {
  /** Character of the text, from 1. */
  readonly at: number;
  readonly expected: string;
  readonly got: string;
}

export type ParsedExpression =
  | {
      readonly ok: true;
      readonly expression: Expression;
      /** Every skill as it is named, for checking against those that there are. */
      readonly mentions: readonly { readonly skill: string; readonly at: number }[];
    }
  | { readonly ok: false; readonly fault: ExpressionFault };

const levels = { lowest: 1, highest: 10 } as const;

/** A skill, and nothing is the same as level 1: whoever has the skill at all. */
export function termsExpression(terms: readonly SkillTerm[]): Expression {
  return normal({
    kind: 'all',
    of: terms.map(({ skill, minLevel }) => ({ kind: 'atLeast', skill, level: minLevel })),
  });
}

export function satisfies(skills: Skills, expression: Expression): boolean {
  switch (expression.kind) {
    case 'atLeast':
      return (skills[expression.skill] ?? 0) >= expression.level;
    case 'below':
      return (skills[expression.skill] ?? 0) < expression.level;
    case 'all':
      return expression.of.every((member) => satisfies(skills, member));
    case 'any':
      return expression.of.some((member) => satisfies(skills, member));
  }
}

/** The expression as text that parses to it again. */
export function expressionText(expression: Expression): string {
  switch (expression.kind) {
    case 'atLeast':
      return `${expression.skill} >= ${expression.level}`;
    case 'below':
      return `not ${expression.skill} >= ${expression.level}`;
    case 'all':
    case 'any': {
      if (expression.of.length === 0) return expression.kind === 'all' ? 'anyone' : 'not anyone';
      const members = expression.of.map((member) =>
        isGroup(member) ? `(${expressionText(member)})` : expressionText(member),
      );
      return members.join(expression.kind === 'all' ? ' and ' : ' or ');
    }
  }
}

/**
 * Reads `documents >= 3 and (language_tat >= 1 or not general)`. `not` binds closest, then `and`, then `or`; a skill
 * alone means level 1; `anyone` asks for nothing.
 */
export function parseExpression(text: string): ParsedExpression {
  const reader = new Reader(text);
  try {
    const written = reader.either();
    reader.end();
    return { ok: true, expression: normal(written), mentions: reader.mentions };
  } catch (error) {
    if (error instanceof Misread) return { ok: false, fault: error.fault };
    throw error;
  }
}

type Written =
  | ExpressionTerm
  | { readonly kind: 'all' | 'any'; readonly of: readonly Written[] }
  | { readonly kind: 'not'; readonly of: Written };

class Misread extends Error {
  readonly fault: ExpressionFault;

  constructor(fault: ExpressionFault) {
    super(`expected ${fault.expected} at character ${fault.at}, got ${fault.got}`);
    this.fault = fault;
  }
}

interface Token {
  readonly text: string;
  /** From 1. */
  readonly at: number;
}

const keywords: readonly string[] = ['and', 'or', 'not', 'anyone'];
const tokenPattern = /\s*([a-z][a-z0-9_-]*|[0-9]+(?:\.[0-9]+)?|>=|[()]|\S)/iy;

class Reader {
  readonly mentions: { readonly skill: string; readonly at: number }[] = [];
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(text: string) {
    const tokens: Token[] = [];
    tokenPattern.lastIndex = 0;
    for (let match = tokenPattern.exec(text); match !== null; match = tokenPattern.exec(text)) {
      const [, token = ''] = match;
      tokens.push({ text: token, at: match.index + match[0].length - token.length + 1 });
    }
    tokens.push({ text: '', at: text.trimEnd().length + 1 });
    this.#tokens = tokens;
  }

  either(): Written {
    return this.#joined('or', 'any', () => this.#joined('and', 'all', () => this.#negated()));
  }

  end(): void {
    if (this.#token.text !== '') throw this.#misread('"and", "or" or the end');
  }

  #joined(word: 'and' | 'or', kind: 'all' | 'any', member: () => Written): Written {
    const of = [member()];
    while (this.#token.text === word) {
      this.#next += 1;
      of.push(member());
    }
    return of.length === 1 && of[0] !== undefined ? of[0] : { kind, of };
  }

  #negated(): Written {
    if (this.#token.text !== 'not') return this.#primary();
    this.#next += 1;
    return { kind: 'not', of: this.#negated() };
  }

  #primary(): Written {
    const { text, at } = this.#token;
    if (text === '(') {
      this.#next += 1;
      const inner = this.either();
      if (this.#token.text !== ')') throw this.#misread('")"');
      this.#next += 1;
      return inner;
    }
    if (text === 'anyone') {
      this.#next += 1;
      return { kind: 'all', of: [] };
    }
    if (keywords.includes(text) || !/^[a-z][a-z0-9_-]{0,39}$/.test(text)) {
      throw this.#misread('a skill, "not", "anyone" or "("');
    }
    this.#next += 1;
    this.mentions.push({ skill: text, at });
    return { kind: 'atLeast', skill: text, level: this.#level() };
  }

  #level(): number {
    if (this.#token.text !== '>=') return levels.lowest;
    this.#next += 1;
    return this.#levelNumber();
  }

  #levelNumber(): number {
    const { text } = this.#token;
    const level = Number(text);
    if (text === '' || !Number.isInteger(level) || level < levels.lowest || level > levels.highest) {
      throw this.#misread(`a level from ${levels.lowest} to ${levels.highest}`);
    }
    this.#next += 1;
    return level;
  }

  get #token(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #misread(expected: string): Misread {
    const { text, at } = this.#token;
    return new Misread({ at, expected, got: text === '' ? 'the end' : JSON.stringify(text) });
  }
}

/** The same meaning in one form, as far as that is cheap: negation pushed down, nesting flattened, members sorted. */
function normal(written: Written, negated = false): Expression {
  switch (written.kind) {
    case 'not':
      return normal(written.of, !negated);
    case 'atLeast':
    case 'below': {
      const { skill, level } = written;
      return { kind: negated === (written.kind === 'atLeast') ? 'below' : 'atLeast', skill, level };
    }
    case 'all':
    case 'any': {
      const kind = negated === (written.kind === 'all') ? 'any' : 'all';
      const members = written.of.map((member) => normal(member, negated));
      return joined(
        kind,
        members.flatMap((member) => (member.kind === kind ? member.of : [member])),
      );
    }
  }
}

function joined(kind: 'all' | 'any', members: readonly Expression[]): Expression {
  const leaves = new Map<string, ExpressionTerm>();
  const others = new Map<string, Expression>();
  for (const member of members) {
    if (isGroup(member)) {
      // "or anyone" asks for nothing; "or nobody" and "and anyone" add nothing.
      if (member.of.length === 0) {
        if (member.kind === 'all' && kind === 'any') return member;
        if (member.kind === 'any' && kind === 'all') return member;
      }
      others.set(JSON.stringify(member), member);
      continue;
    }
    const key = `${member.skill} ${member.kind}`;
    const known = leaves.get(key);
    // Of two terms for one skill the stricter counts among `all`, the milder among `any`.
    const higher = (member.kind === 'atLeast') === (kind === 'all');
    const level = known === undefined ? member.level : (higher ? Math.max : Math.min)(known.level, member.level);
    leaves.set(key, { ...member, level });
  }
  const sorted = [...[...leaves].sort(byKey), ...[...others].sort(byKey)].map(([, member]) => member);
  return sorted.length === 1 && sorted[0] !== undefined ? sorted[0] : { kind, of: sorted };
}

function isGroup(expression: Expression): expression is ExpressionGroup {
  return expression.kind === 'all' || expression.kind === 'any';
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}
