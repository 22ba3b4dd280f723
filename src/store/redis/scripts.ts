import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { operatorStrategies } from '../../acd/index.ts';
import { type CommandMeta, DozvonError } from '../../foundation/index.ts';
import { asked } from './connection.ts';

const verbs = [
  'acknowledge-events',
  'acknowledge-inbox',
  'acquire-shard',
  'define-class',
  'define-profile',
  'end-wrap-up',
  'enqueue',
  'expire-offers',
  'keep-turn',
  'match-contact',
  'match-operator',
  'next-due',
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
  'set-presence',
  'set-reachable',
  'sign-in',
  'sign-out',
  'withdraw',
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
  readonly #strategies = JSON.stringify(operatorStrategies);

  constructor(client: Redis, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
    for (const verb of verbs) client.defineCommand(commandName(verb), { numberOfKeys: 1, lua: scriptText(verb) });
  }

  async run(verb: Verb, call: VerbCall): Promise<unknown> {
    const command = (this.#client as unknown as Record<string, DefinedCommand>)[commandName(verb)];
    if (command === undefined) throw new DozvonError('UNKNOWN_VERB', `expected a defined command, got ${verb}`);
    const actor = call.by === undefined ? '' : `${call.by.actor.kind}:${call.by.actor.id}`;
    const meta = [call.nowMs, this.#strategies, actor, call.by?.reason ?? ''];
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

/** The text of a verb with the parts it names in front. */
function scriptText(verb: Verb): string {
  const text = read(`${verb}.lua`);
  const parts = includeLine.exec(text)?.[1]?.split(' ') ?? [];
  return [...parts.map((part) => read(`parts/${part}.lua`)), text].join('\n');
}

function read(name: string): string {
  return readFileSync(new URL(`lua/${name}`, import.meta.url), 'utf8');
}
