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

interface MapNow {
  readonly version: string;
  /** By id, JSON. */
  readonly classes: Readonly<Record<string, string>>;
  readonly profiles: Readonly<Record<string, string>>;
}

/** The map of classes and profiles in Redis; who fits whom is computed here. */
export class ClassMap {
  readonly #client: Redis;
  readonly #scripts: Scripts;
  readonly #prefix: string;
  /** What is being defined, by id: whoever else misses it waits for the same. */
  readonly #underWay = new Map<string, Promise<void>>();
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
    const { version, profiles } = await this.#read();
    const fit = Object.keys(profiles).filter((id) => canServe(JSON.parse(profiles[id] ?? '{}') as Skills, requirement));
    const { classId, strategy } = requirement;
    await this.#settle('define-class', [classId, JSON.stringify(requirement), version, strategy, ...fit], nowMs);
  }

  async #defineProfile(profileId: string, skills: Skills, nowMs: number): Promise<void> {
    const { version, classes } = await this.#read();
    const fit = Object.keys(classes).filter((id) =>
      canServe(skills, JSON.parse(classes[id] ?? '') as RequirementClass),
    );
    await this.#settle('define-profile', [profileId, JSON.stringify(skills), version, ...fit], nowMs);
  }

  async #settle(verb: 'define-class' | 'define-profile', args: readonly string[], nowMs: number): Promise<void> {
    const outcome = await this.#scripts.word<'defined' | 'known' | 'stale'>(verb, { nowMs, args });
    // Somebody else changed the map: let him finish rather than race him.
    if (outcome === 'stale') await pause(Math.random() * 5);
  }

  /** The map as of one moment. */
  async #read(): Promise<MapNow> {
    const replies = await asked('reading the map of classes and profiles', () =>
      this.#client
        .multi()
        .get(`${this.#prefix}map-version`)
        .hgetall(`${this.#prefix}classes`)
        .hgetall(`${this.#prefix}profiles`)
        .exec(),
    );
    const [version, classes, profiles] = (replies ?? []).map(([error, value]) => {
      if (error !== null) throw error;
      return value;
    });
    return {
      version: typeof version === 'string' ? version : '0',
      classes: classes as Record<string, string>,
      profiles: profiles as Record<string, string>,
    };
  }
}
