import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { operatorFacts, operatorStrategies, strategyNames } from '../../acd/index.ts';
import { type CommandMeta, DozvonError } from '../../foundation/index.ts';
import { asked } from './connection.ts';

const verbs = [
  'acknowledge-events',
  'acknowledge-inbox',
  'acquire-shard',
  'answer-step',
  'define-class',
  'define-profile',
  'end-due-wrap-ups',
  'end-wrap-up',
  'enqueue',
  'expire-offers',
  'extend-wrap-up',
  'keep-turn',
  'match-contact',
  'match-operator',
  'move-contact',
  'next-due',
  'not-ready-next',
  'offer-answered',
  'offer-failed',
  'position',
  'register-operator',
  'release',
  'release-due',
  'release-shard',
  'remove-operator',
  'renew-shard',
  'save-contact',
  'set-head-start',
  'set-outside-call',
  'set-presence',
  'set-reachable',
  'set-skills',
  'sign-in',
  'sign-out',
  'take-due-contacts',
  'withdraw',
  'withdraw-offers',
] as const;

export type Verb = (typeof verbs)[number];

export interface VerbCall {
  readonly nowMs: number;
  readonly by?: CommandMeta | undefined;
  readonly args: readonly (string | number)[];
}

type DefinedCommand = (prefix: string, ...args: (string | number)[]) => Promise<unknown>;

/** The verbs as commands of one connection. Results are as each file's header says. */
export class Scripts {
  readonly #client: Redis;
  readonly #prefix: string;

  constructor(client: Redis, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
    for (const verb of verbs) client.defineCommand(commandName(verb), { numberOfKeys: 1, lua: scriptText(verb) });
  }

  async run(verb: Verb, call: VerbCall): Promise<unknown> {
    const command = (this.#client as unknown as Record<string, DefinedCommand>)[commandName(verb)];
    if (command === undefined) throw new DozvonError('UNKNOWN_VERB', `expected a defined command, got ${verb}`);
    const actor = call.by === undefined ? '' : `${call.by.actor.kind}:${call.by.actor.id}`;
    const meta = [call.nowMs, actor, call.by?.reason ?? ''];
    return await asked(verb, () => command.call(this.#client, this.#prefix, ...meta, ...call.args));
  }

  /** For verbs whose result is one of a few words. */
  async word<Word extends string>(verb: Verb, call: VerbCall): Promise<Word> {
    const result = await this.run(verb, call);
    if (typeof result !== 'string') throw unexpected(verb, 'a word', result);
    return result as Word;
  }

  /** For verbs whose result is a flat list of strings, or nothing. */
  async list(verb: Verb, call: VerbCall): Promise<readonly string[] | undefined> {
    const result = await this.run(verb, call);
    if (result === null || result === undefined) return undefined;
    if (!Array.isArray(result)) throw unexpected(verb, 'a list', result);
    return result.map(String);
  }

  /** For verbs whose result is a number, also as text, or nothing. */
  async number(verb: Verb, call: VerbCall): Promise<number | undefined> {
    const result = await this.run(verb, call);
    if (result === null || result === undefined) return undefined;
    const number = Number(result);
    if (!Number.isFinite(number)) throw unexpected(verb, 'a number', result);
    return number;
  }
}

function unexpected(verb: Verb, expected: string, result: unknown): DozvonError {
  return new DozvonError('REDIS_REFUSED', `${verb}: expected ${expected}, got ${typeof result}`);
}

/** A name that no command of Redis has. */
function commandName(verb: Verb): string {
  return `dozvon_${verb}`;
}

const includeLine = /^--# include: (.+)$/m;

/** The text of a verb with the rules of ranking and the parts it names in front. */
function scriptText(verb: Verb): string {
  const text = read(`${verb}.lua`);
  const parts = includeLine.exec(text)?.[1]?.split(' ') ?? [];
  const rules = parts.includes('operators') ? [rankingRules()] : [];
  return [...rules, ...parts.map((part) => read(`parts/${part}.lua`)), text].join('\n');
}

/** `weights` and `factNames` as Lua: part of the text, so that no call has to carry and read them. */
function rankingRules(): string {
  const strategies = strategyNames.map((strategy) => {
    const weights = Object.entries(operatorStrategies[strategy]).map(([fact, weight]) => `${fact} = ${weight}`);
    return `${strategy} = { ${weights.join(', ')} }`;
  });
  const facts = operatorFacts.map((fact) => `'${fact}'`);
  return `local weights = { ${strategies.join(', ')} }\nlocal factNames = { ${facts.join(', ')} }`;
}

function read(name: string): string {
  return readFileSync(new URL(`lua/${name}`, import.meta.url), 'utf8');
}
