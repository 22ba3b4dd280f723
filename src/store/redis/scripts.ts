import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { operatorFacts, operatorStrategies, strategyNames } from '../../acd/index.ts';
import { type CommandMeta, DozvonError } from '../../foundation/index.ts';
import { asked, gatheringWrites } from './connection.ts';
import { SaveBeforeVerb } from './save-before-verb.ts';

const verbs = [
  'acknowledge-events',
  'acknowledge-inbox',
  'acquire-shard',
  'answer-step',
  'change-alarm',
  'contacts-ahead',
  'define-class',
  'define-profile',
  'end-due-wrap-ups',
  'end-wrap-up',
  'enqueue',
  'expire-offers',
  'extend-wrap-up',
  'forget-classes',
  'keep-turn',
  'match-call-back',
  'match-contact',
  'match-operator',
  'move-contact',
  'next-due',
  'not-ready-next',
  'offer-answered',
  'offer-failed',
  'position',
  'read-told',
  'register-operator',
  'release',
  'release-due',
  'release-shard',
  'remove-operator',
  'renew-shard',
  'save-contact',
  'save-then',
  'set-head-start',
  'set-outside-call',
  'set-presence',
  'set-reachable',
  'set-sharing',
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

/** In this order in front of the verbs. */
const parts = [
  'base',
  'events',
  'live-contacts',
  'time-use',
  'duty',
  'operators',
  'holds',
  'contacts',
  'steps',
  'looking',
  'offers',
  'call-backs',
  'matching',
] as const;

/** The verbs as functions of a Redis library. Results are as each file's header says. */
export class Scripts {
  readonly #client: Redis;
  readonly #prefix: string;
  readonly #library = library();
  readonly #names = new Map<Verb, string>();
  readonly #gatherWrites: () => void;

  constructor(client: Redis, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
    this.#gatherWrites = gatheringWrites(client);
    for (const verb of verbs) this.#names.set(verb, functionName(this.#library.name, verb));
  }

  async run(verb: Verb, call: VerbCall): Promise<unknown> {
    const actor = call.by === undefined ? '' : `${call.by.actor.kind}:${call.by.actor.id}`;
    const head = [call.nowMs, actor, call.by?.reason ?? ''];
    const ahead = call.by?.ahead;
    if (ahead instanceof SaveBeforeVerb) return await this.#runAfter(ahead, verb, { head, args: call.args });
    return await this.#ask(verb, [...head, ...call.args]);
  }

  async #runAfter(
    ahead: SaveBeforeVerb,
    verb: Verb,
    { head, args }: { readonly head: readonly (string | number)[]; readonly args: readonly (string | number)[] },
  ): Promise<unknown> {
    if (ahead.outcome !== undefined) {
      // The save has gone before, alone or with another verb.
      if ((await ahead.outcome) === 'leaseLost') throw leaseLost(verb);
      return await this.#ask(verb, [...head, ...args]);
    }
    const { words } = ahead;
    const both = this.#ask('save-then', [...head, verb, words.length, ...words, ...args]).then(pair);
    ahead.outcome = both.then(([word]) => (word === 'leaseLost' ? word : 'saved'));
    const [word, result] = await both;
    if (word === 'leaseLost') throw leaseLost(verb);
    if (word === 'refused') throw new DozvonError('REDIS_REFUSED', `${verb}: ${String(result)}`);
    return result;
  }

  #ask(verb: Verb, args: readonly (string | number)[]): Promise<unknown> {
    return asked(verb, async () => {
      try {
        return await this.#call(verb, args);
      } catch (error) {
        // A server that is new, or has lost what it knew: the verb has not run.
        if (!(error instanceof Error && error.message.startsWith('ERR Function not found'))) throw error;
        await this.#client.function('LOAD', 'REPLACE', this.#library.text);
        return await this.#call(verb, args);
      }
    });
  }

  #call(verb: Verb, args: readonly (string | number)[]): Promise<unknown> {
    this.#gatherWrites();
    return this.#client.fcall(this.#names.get(verb) ?? '', 1, this.#prefix, ...args);
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

function pair(result: unknown): readonly [unknown, unknown] {
  if (!Array.isArray(result)) throw unexpected('save-then', 'a pair', result);
  return [result[0], result[1]];
}

function leaseLost(verb: Verb): DozvonError {
  return new DozvonError('LEASE_LOST', `${verb}: expected the lease of the contact’s shard to hold, it is another’s`);
}

function functionName(libraryName: string, verb: Verb): string {
  return `${libraryName}_${verb.replaceAll('-', '_')}`;
}

/**
 * All verbs as one library: Redis reads it once, where a script would build all its functions anew for every call (a
 * quarter of a match). Its name holds a hash of the content, so that processes of two versions do not replace each
 * other's.
 */
function library(): { readonly name: string; readonly text: string } {
  const [rules, texts] = [rankingRules(), parts.map((part) => read(`parts/${part}.lua`))];
  const verbTexts = verbs.map((verb) => read(`${verb}.lua`));
  const hash = createHash('sha256')
    .update([rules, ...texts, ...verbTexts].join('\n'))
    .digest('hex')
    .slice(0, 12);
  const name = `dozvon_${hash}`;
  const functions = verbs.map(
    (verb, i) =>
      `bodies['${verb}'] = function()\n${verbTexts[i]}\nend\n` +
      `redis.register_function('${functionName(name, verb)}', verb(bodies['${verb}']))`,
  );
  return { name, text: [`#!lua name=${name}`, rules, ...texts, 'local bodies = {}', ...functions].join('\n') };
}

/** `weights` and `factNames` as Lua. */
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
