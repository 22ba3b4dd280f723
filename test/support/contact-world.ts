import { type AcdService, createAcdService, operatorSchema, queueSchema } from '../../src/acd/index.ts';
import { createCaseService } from '../../src/cases/index.ts';
import {
  type ContactRules,
  type ContactService,
  createContactService,
  type RecordingPort,
} from '../../src/contact/index.ts';
import {
  asId,
  bySystem,
  type CallBackId,
  type Clock,
  type ContactId,
  DozvonError,
  type LegId,
  type OperatorId,
  silentLogger,
} from '../../src/foundation/index.ts';
import { createMemoryCases } from '../../src/store/memory/cases.ts';
import { createMemoryContactRecords } from '../../src/store/memory/contact-records.ts';
import { createMemoryStores } from '../../src/store/memory/index.ts';
import { createMemoryRecordingRepository } from '../../src/store/memory/recording-repository.ts';
import { createMemoryReturningCallers } from '../../src/store/memory/returning-callers.ts';
import { testRules } from './contact-rules.ts';
import { FakeCallBacks } from './fake-call-backs.ts';
import { FakeClock, settled } from './fake-clock.ts';
import { FakeExchange, type PhoneAnswer } from './fake-exchange.ts';
import { FakeTelephony } from './fake-telephony.ts';

/** How long a supervisor takes to start the service again. */
const restartMs = 1_000;

const operatorId = asId<OperatorId>('op101');
const meta = bySystem('test', 'test');

/** Where a process dies: before its n-th step to the outside, or after the step was done and before it hears of it. */
export interface CrashPoint {
  readonly step: number;
  readonly when: 'before' | 'after';
}

/** A service process that can die in any step it makes to the outside; what it had under way then never goes on. */
class Process {
  steps = 0;
  alive = true;
  readonly #crashAt: CrashPoint | undefined;
  readonly #died: () => void;
  readonly #seen: (name: string, args: readonly unknown[]) => void;

  constructor(
    crashAt: CrashPoint | undefined,
    told: { readonly died: () => void; readonly seen: (name: string, args: readonly unknown[]) => void },
  ) {
    this.#crashAt = crashAt;
    this.#died = told.died;
    this.#seen = told.seen;
  }

  die(): void {
    if (!this.alive) return;
    this.alive = false;
    this.#died();
  }

  /** The same object; every call is a step. */
  fence<T extends object>(target: T): T {
    const step = async (work: () => unknown): Promise<unknown> => {
      if (!this.alive) return await new Promise(() => {});
      this.steps += 1;
      const here = this.#crashAt?.step === this.steps ? this.#crashAt.when : undefined;
      if (here === 'before') {
        this.die();
        return await new Promise(() => {});
      }
      const result = await work();
      if (here === 'after') this.die();
      return this.alive ? result : await new Promise(() => {});
    };
    return new Proxy(target, {
      get: (object, name) => {
        const value: unknown = Reflect.get(object, name, object);
        if (typeof value !== 'function') return value;
        const method = value.bind(object) as (...args: unknown[]) => unknown;
        if (waits.has(String(name))) return method;
        return (...args: unknown[]) =>
          step(() => {
            this.#seen(String(name), args);
            return method(...args);
          });
      },
    });
  }

  clock(clock: Clock): Clock {
    return {
      nowMs: () => clock.nowMs(),
      setTimer: (atMs, fire) => clock.setTimer(atMs, () => (this.alive ? fire() : undefined)),
    };
  }
}

/** Not steps: they return at once or run as long as the process does. */
const waits = new Set([
  'subscribe',
  'connected',
  'devices',
  'outsideCalls',
  'consume',
  'follow',
  'watchDue',
  'start',
  'stop',
]);

/** What can be away while the process lives: every command to it is then refused with this code. */
export type Outage = 'REDIS_UNAVAILABLE' | 'DATABASE_UNAVAILABLE';

/** One hotline in memory: stores and exchange outlive the processes that come and go. */
export class ContactWorld {
  readonly clock = new FakeClock(1_700_000_000_000);
  readonly exchange = new FakeExchange(this.clock, { soundMs: 2_000, ringsAfterMs: 50 });
  readonly stores = createMemoryStores();
  readonly records = createMemoryContactRecords(createMemoryRecordingRepository());
  readonly cases = createMemoryCases();
  readonly callBacks = new FakeCallBacks({
    clock: this.clock,
    begin: (callBackId) => this.begunCallBack(callBackId),
    withdraw: (contactId) => this.withdraw(contactId),
  });
  readonly callers = createMemoryReturningCallers(this);
  /** Lever: what the contacts go by that come from now on. */
  rules: ContactRules = testRules;
  readonly #recordings = memoryRecordings();
  #process: Process | undefined;
  #telephony: FakeTelephony | undefined;
  #service: ContactService | undefined;
  #acd: AcdService | undefined;
  deaths = 0;
  /** Levers: how many of the next readings of Asterisk's state fail, and what becomes of the next connections to it. */
  snapshotFailures = 0;
  connecting: 'succeeds' | 'hangs' | 'fails' = 'succeeds';
  readonly #away = new Set<Outage>();
  /** Lever: whether Redis does what it is asked now and its answer is lost on the way. */
  losesAnswer: () => boolean = () => false;
  /** Hears of every step a process makes to the outside, before it is made. */
  onStep: (name: string, args: readonly unknown[]) => void = () => undefined;

  get steps(): number {
    return this.#process?.steps ?? 0;
  }

  get alive(): boolean {
    return this.#process?.alive ?? false;
  }

  async startProcess(crashAt?: CrashPoint): Promise<void> {
    const process = new Process(crashAt, {
      died: () => {
        this.deaths += 1;
        this.#telephony?.stop().catch(() => undefined);
      },
      seen: (name, args) => this.onStep(name, args),
    });
    this.#process = process;
    const clock = process.clock(this.clock);
    const acd = createAcdService({
      store: process.fence(this.#reachable(this.stores.queue, 'REDIS_UNAVAILABLE')),
      clock,
      logger: silentLogger,
      queues: [
        queueSchema.parse({
          id: 'general',
          name: 'General',
          requirement: [{ skill: 'general', minLevel: 1 }],
          ringTimeoutMs: 15_000,
          wrapUpMs: 10_000,
          preferredMs: 60_000,
        }),
        queueSchema.parse({
          id: 'told',
          name: 'Told',
          requirement: 'general',
          ringTimeoutMs: 15_000,
          wrapUpMs: 10_000,
        }),
        ...['operator-first', 'caller-first'].map((id) =>
          queueSchema.parse({ id, name: id, requirement: 'general', ringTimeoutMs: 15_000, wrapUpMs: 10_000 }),
        ),
        queueSchema.parse({
          id: 'called',
          name: 'Called back',
          requirement: 'general',
          ringTimeoutMs: 15_000,
          wrapUpMs: 10_000,
        }),
      ],
      callBacks: { 'operator-first': {}, 'caller-first': { callerRingMs: 10_000 } },
      operators: [operatorSchema.parse({ id: 'op101', extension: '101', name: 'One', skills: { general: 5 } })],
    });
    this.#acd = acd;
    const telephonyFor = (shard: string) => {
      const telephony = new FakeTelephony(this.exchange, shard);
      this.#telephony = telephony;
      this.#pullLevers(telephony);
      return process.fence(telephony);
    };
    this.#service = createContactService({
      nodeId: 'n1',
      ownShards: ['dozvon-n1'],
      telephonyFor,
      ports: {
        queue: acd,
        recordings: process.fence(this.#recordings),
        requests: process.fence(
          this.#reachable(createCaseService({ repository: this.cases.cases }), 'DATABASE_UNAVAILABLE'),
        ),
        callBacks: process.fence(this.#reachable(this.callBacks, 'DATABASE_UNAVAILABLE')),
        records: process.fence(this.#reachable(this.records, 'DATABASE_UNAVAILABLE')),
        callers: process.fence(this.#reachable(this.callers, 'DATABASE_UNAVAILABLE')),
      },
      leases: process.fence(this.#reachable(this.stores.leases, 'REDIS_UNAVAILABLE')),
      states: process.fence(this.#reachable(this.stores.contactStates, 'REDIS_UNAVAILABLE')),
      inbox: this.stores.inbox,
      sealer: { seal: (plain) => plain, open: (sealed) => sealed },
      rules: () => this.rules,
      clock,
      logger: silentLogger,
      testing: false,
    });
    // A start that dies never settles: it is not awaited beyond what runs by itself.
    void acd.start().then(() => this.#service?.start());
    await settled();
  }

  async operatorReady(answer: PhoneAnswer): Promise<string> {
    const device = this.exchange.register('101', answer);
    await settled();
    await this.stores.queue.signIn(operatorId, this.clock.nowMs());
    await this.#acd?.setPresence(operatorId, { presence: 'ready' }, meta);
    await settled();
    return device;
  }

  async operatorAway(): Promise<void> {
    await this.#acd?.setPresence(operatorId, { presence: 'notReady', reason: 'break' }, meta);
    await settled();
  }

  call(dnis = '+78001000001'): LegId {
    return this.exchange.call('dozvon-n1', { dnis, ani: '+79161234567' });
  }

  beginCallBack(callBackId: CallBackId): void {
    this.begunCallBack(callBackId).catch(() => undefined);
  }

  /** Settles as the service says; never when it dies on the way. */
  async begunCallBack(callBackId: CallBackId): Promise<void> {
    if (!this.alive) throw new DozvonError('NO_SHARD', 'expected a process that lives, got none');
    await this.#service?.beginCallBack(callBackId);
  }

  /** Staff takes it out of its queue, or its caller has called in. */
  async withdraw(contactId: ContactId): Promise<void> {
    if (this.alive) await this.#acd?.withdraw(contactId, meta, 'tellOwner');
  }

  /** The connection to Asterisk is lost for `ms`. */
  async cutOff(ms: number): Promise<void> {
    this.#telephony?.loseConnection();
    await this.pass(ms);
    await this.#telephony?.reconnect();
    await settled();
  }

  /** A store is away for `ms`. */
  async without(outage: Outage, ms: number): Promise<void> {
    this.#away.add(outage);
    await this.pass(ms);
    this.#away.delete(outage);
  }

  /** A store is away; the process dies after `ms`, and has been dead for `deadMs` when the store is back. */
  async dieWithout(outage: Outage, { ms, deadMs }: { readonly ms: number; readonly deadMs: number }): Promise<void> {
    this.#away.add(outage);
    await this.pass(ms);
    await this.stop();
    await this.pass(deadMs);
    this.#away.delete(outage);
  }

  #pullLevers(telephony: FakeTelephony): void {
    const snapshot = telephony.snapshot.bind(telephony);
    const start = telephony.start.bind(telephony);
    telephony.snapshot = async () => {
      this.snapshotFailures -= 1;
      if (this.snapshotFailures >= 0) throw new DozvonError('TIMED_OUT', 'listing: away for the test');
      return await snapshot();
    };
    telephony.start = async () => {
      if (this.connecting === 'hangs') await new Promise(() => {});
      if (this.connecting === 'fails') throw new DozvonError('TELEPHONY_UNAVAILABLE', 'away for the test');
      await start();
    };
  }

  #reachable<T extends object>(target: T, outage: Outage): T {
    return new Proxy(target, {
      get: (object, name) => {
        const value: unknown = Reflect.get(object, name, object);
        if (typeof value !== 'function') return value;
        const method = value.bind(object) as (...args: unknown[]) => unknown;
        if (waits.has(String(name))) return method;
        return async (...args: unknown[]) => {
          if (this.#away.has(outage)) throw new DozvonError(outage, `${String(name)}: away for the test`);
          const result = await method(...args);
          if (outage === 'REDIS_UNAVAILABLE' && this.losesAnswer())
            throw new DozvonError(outage, `${String(name)}: its answer was lost for the test`);
          return result;
        };
      },
    });
  }

  async pass(ms: number): Promise<void> {
    await this.clock.moveTo(this.clock.nowMs() + ms);
  }

  /** Lets time pass; a process that has died meanwhile is followed by a new one, as by a supervisor, a second later. */
  async live(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; ) {
      const sinceMs = this.clock.nowMs();
      await this.clock.moveTo(sinceMs + leftMs, () => !this.alive);
      leftMs -= this.clock.nowMs() - sinceMs;
      if (this.alive) continue;
      await this.pass(restartMs);
      await this.startProcess();
    }
  }

  async operator() {
    return await this.stores.queue.operator(operatorId);
  }

  /** The service is told to stop, as by its supervisor. */
  async stopInOrder(): Promise<void> {
    await this.#service?.stop();
    this.#process?.die();
    await settled();
  }

  async stop(): Promise<void> {
    this.#process?.die();
    await settled();
  }
}

/** A recording room that records nothing: names spool files and verifies at once. */
function memoryRecordings(): RecordingPort {
  let files = 0;
  return {
    open: async () => {
      files += 1;
      return { spoolFile: `/spool/${files}.sln` };
    },
    mark: async () => {},
    close: async () => ({ state: 'verified', durationMs: 1_000 }),
    adopt: async () => {},
  };
}
