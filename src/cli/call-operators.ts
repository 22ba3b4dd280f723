import { canServeWritten } from '../acd/index.ts';
import type { HotlineConfig } from '../config/index.ts';
import { DozvonError } from '../foundation/index.ts';
import type { ApiClient } from './api-client.ts';
import type { RunningHotline, TestPhone, TestPhones } from './call-ports.ts';

type Operator = HotlineConfig['operators'][number];

interface OperatorNow {
  readonly operatorId: string;
  readonly signedIn: boolean;
  readonly presence: 'loggedOff' | 'ready' | 'notReady';
  readonly notReadyReason?: string;
  readonly work: Readonly<Record<string, string>>;
}

const reason = 'test call';

/** The operators of a test call: signed in with a phone of ours, and put back as they were. */
export class CallOperators {
  readonly #parts: {
    readonly api: ApiClient;
    readonly phones: TestPhones;
    readonly hotline: RunningHotline;
    readonly behaviour: Parameters<TestPhones['register']>[0]['behaviour'];
    readonly say: (sentence: string) => void;
  };
  readonly #before = new Map<string, OperatorNow>();
  readonly #phones = new Map<string, TestPhone>();

  constructor(parts: {
    readonly api: ApiClient;
    readonly phones: TestPhones;
    readonly hotline: RunningHotline;
    readonly behaviour: Parameters<TestPhones['register']>[0]['behaviour'];
    readonly say: (sentence: string) => void;
  }) {
    this.#parts = parts;
  }

  phone(operatorId: string): TestPhone | undefined {
    return this.#phones.get(operatorId);
  }

  /** True when one who is signed in by us can serve the queue. */
  canServe(queueId: string): boolean {
    return this.#operators().some(
      (operator) => this.#phones.has(operator.id) && serves(operator, queueId, this.#config),
    );
  }

  /**
   * Registers a phone for an operator with the queue's skills, signs him in and makes him ready. Somebody nobody uses is taken first, and who is not
   * still in wrap-up. Throws `NO_OPERATOR` when there is none.
   */
  async bring(wanted: { readonly queueId: string; readonly extension?: string }): Promise<void> {
    const { api, hotline, phones } = this.#parts;
    const now = await this.#now();
    const able = this.#operators().filter((operator) =>
      wanted.extension === undefined
        ? serves(operator, wanted.queueId, this.#config)
        : operator.extension === wanted.extension,
    );
    const [operator] = able.toSorted((a, b) => inUse(now.get(a.id)) - inUse(now.get(b.id)));
    if (operator === undefined) {
      const who =
        wanted.extension === undefined
          ? `with the skills of queue ${wanted.queueId}`
          : `at extension ${wanted.extension}`;
      throw new DozvonError('NO_OPERATOR', `expected an operator ${who} in the configuration, found none`);
    }
    const password = hotline.sipPasswords[operator.extension];
    if (password === undefined) {
      throw new DozvonError(
        'NO_OPERATOR',
        `there is no SIP password for extension ${operator.extension}: start Dozvon again to have it made`,
      );
    }
    const before = now.get(operator.id);
    if (before !== undefined && !this.#before.has(operator.id)) this.#before.set(operator.id, before);
    const { behaviour } = this.#parts;
    this.#phones.set(operator.id, await phones.register({ extension: operator.extension, password, behaviour }));
    const path = `/operators/${operator.id}`;
    if (before?.signedIn !== true) await api.send('POST', `${path}/sign-in`, { reason });
    await api.send('PUT', `${path}/presence`, { presence: 'ready', reason });
    this.#parts.say(`operator ${operator.id} (${operator.extension}) has a registered phone, is signed in and ready`);
  }

  /** Whether the operator could take the next contact: he holds nothing. */
  async isFree(operatorId: string): Promise<boolean> {
    return (await this.#now()).get(operatorId)?.work.voice === 'idle';
  }

  /** Presence and sign-in as they were before. */
  async restore(): Promise<void> {
    for (const [operatorId, before] of this.#before) {
      const path = `/operators/${operatorId}`;
      if (!before.signedIn) {
        await this.#parts.api.send('POST', `${path}/sign-out`, { reason });
      } else if (before.presence !== 'ready') {
        await this.#parts.api.send('PUT', `${path}/presence`, {
          presence: before.presence,
          reason: before.notReadyReason ?? reason,
        });
      }
    }
    this.#before.clear();
  }

  get #config(): HotlineConfig {
    return this.#parts.hotline.config;
  }

  #operators(): readonly Operator[] {
    return this.#config.operators;
  }

  async #now(): Promise<ReadonlyMap<string, OperatorNow>> {
    const { items } = await this.#parts.api.get<{ readonly items: readonly OperatorNow[] }>('/operators');
    return new Map(items.map((operator) => [operator.operatorId, operator]));
  }
}

function serves(operator: Operator, queueId: string, config: HotlineConfig): boolean {
  const queue = config.queues.find(({ id }) => id === queueId);
  return queue !== undefined && canServeWritten(operator.skills, queue.requirement);
}

/** 0: idle and not signed in; more: less fit to be borrowed. */
function inUse(operator: OperatorNow | undefined): number {
  if (operator === undefined) return 4;
  return (operator.work.voice === 'idle' ? 0 : 2) + (operator.signedIn ? 1 : 0);
}
