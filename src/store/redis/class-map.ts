import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { canServe, type RequirementClass, type Skills } from '../../acd/index.ts';
import { DozvonError } from '../../foundation/index.ts';
import { asked } from './connection.ts';
import type { Scripts } from './scripts.ts';

/**
 * A new class and a new profile computed at the same time cost each other a try; more tries than processes times the
 * classes and profiles that can appear at one moment means something else is wrong.
 */
const mapAttempts = 200;

/** The half of the map that a definition is compared with. */
interface HalfNow<Meaning> {
  readonly version: string;
  readonly meanings: ReadonlyMap<string, Meaning>;
}

/** The map of classes and profiles in Redis; who fits whom is computed here. */
export class ClassMap {
  readonly #client: Redis;
  readonly #scripts: Scripts;
  readonly #prefix: string;
  /** What is being defined, by id: whoever else misses it waits for the same. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** What ids mean, as far as read. An id follows from what it means, so this is never out of date. */
  #classes: ReadonlyMap<string, RequirementClass> = new Map();
  #profiles: ReadonlyMap<string, Skills> = new Map();
  /** One definition after another: each changes the map, and would make the others of this process start again. */
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: { readonly client: Redis; readonly scripts: Scripts; readonly prefix: string }) {
    this.#client = parts.client;
    this.#scripts = parts.scripts;
    this.#prefix = parts.prefix;
  }

  /** Runs `verb`; while it answers that something is missing, defines it and runs it again. */
  async defining<Result>(
    verb: () => Promise<Result>,
    isMissing: (result: Result) => boolean,
    define: () => Promise<void>,
  ): Promise<Result> {
    for (let attempt = 1; attempt <= mapAttempts; attempt += 1) {
      const result = await verb();
      if (!isMissing(result)) return result;
      await define();
    }
    throw new DozvonError('MAP_UNSETTLED', 'expected the map of classes and profiles to settle, it keeps changing');
  }

  defineClass(requirement: RequirementClass, nowMs: number): Promise<void> {
    return this.#inTurn(requirement.classId, () => this.#defineClass(requirement, nowMs));
  }

  defineProfile(profileId: string, skills: Skills, nowMs: number): Promise<void> {
    return this.#inTurn(profileId, () => this.#defineProfile(profileId, skills, nowMs));
  }

  #inTurn(id: string, define: () => Promise<void>): Promise<void> {
    const known = this.#underWay.get(id);
    if (known !== undefined) return known;
    const defined = this.#turn.then(define).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, defined);
    this.#turn = defined.catch(() => undefined); // Whoever asked is told; the next one tries for itself.
    return defined;
  }

  async #defineClass(requirement: RequirementClass, nowMs: number): Promise<void> {
    const { version, meanings } = await this.#read('profiles', this.#profiles);
    this.#profiles = meanings;
    const fit = [...meanings].flatMap(([id, skills]) => (canServe(skills, requirement) ? [id] : []));
    const { classId, strategy } = requirement;
    await this.#settle('define-class', [classId, JSON.stringify(requirement), version, strategy, ...fit], nowMs);
  }

  async #defineProfile(profileId: string, skills: Skills, nowMs: number): Promise<void> {
    const { version, meanings } = await this.#read('classes', this.#classes);
    this.#classes = meanings;
    const fit = [...meanings].flatMap(([id, requirement]) => (canServe(skills, requirement) ? [id] : []));
    await this.#settle('define-profile', [profileId, JSON.stringify(skills), version, ...fit], nowMs);
  }

  async #settle(verb: 'define-class' | 'define-profile', args: readonly string[], nowMs: number): Promise<void> {
    const outcome = await this.#scripts.word<'defined' | 'known' | 'stale'>(verb, { nowMs, args });
    // Somebody else changed the map: let him finish rather than race him.
    if (outcome === 'stale') await pause(Math.random() * 5);
  }

  /**
   * Half of the map as of one moment: its ids with what they mean, of which only what is new has to be read. What has
   * gone in between is left out; the version has changed then, and nothing comes of this look.
   */
  async #read<Meaning>(half: 'classes' | 'profiles', known: ReadonlyMap<string, Meaning>): Promise<HalfNow<Meaning>> {
    const key = `${this.#prefix}${half}`;
    const replies = await asked('reading the map of classes and profiles', () =>
      this.#client.multi().get(`${this.#prefix}map-version`).hkeys(key).exec(),
    );
    const [version, ids] = (replies ?? []).map(([error, value]) => {
      if (error !== null) throw error;
      return value;
    }) as [string | null, readonly string[]];
    const unread = ids.filter((id) => !known.has(id));
    const texts =
      unread.length === 0
        ? []
        : await asked('reading the map of classes and profiles', () => this.#client.hmget(key, ...unread));
    const read = new Map(unread.map((id, i) => [id, texts[i]] as const));
    const meanings = new Map<string, Meaning>();
    for (const id of ids) {
      const text = read.get(id);
      const meaning = known.get(id) ?? (typeof text === 'string' ? (JSON.parse(text) as Meaning) : undefined);
      if (meaning !== undefined) meanings.set(id, meaning);
    }
    return { version: version ?? '0', meanings };
  }
}
