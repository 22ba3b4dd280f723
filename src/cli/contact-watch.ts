import { Changes, DozvonError } from '../foundation/index.ts';
import type { ApiClient, ApiEvent } from './api-client.ts';

const searchAgainMs = 250;

/**
 * Follows one contact as the API tells it: opened before the call is placed, so that nothing is missed, and told the call's SIP
 * Call-ID, or which call-back it is to make, afterwards.
 */
export class ContactWatch {
  readonly #api: ApiClient;
  readonly #changes = new Changes();
  readonly #ending = new AbortController();
  readonly #events: ApiEvent[] = [];
  readonly #onEntry: (entry: ApiEvent) => void;
  #open = false;
  #told = 0;
  #sipCallId: string | undefined;
  #contactId: string | undefined;
  #searching: Promise<void> = Promise.resolve();

  constructor(api: ApiClient, onEntry: (entry: ApiEvent) => void) {
    this.#api = api;
    this.#onEntry = onEntry;
  }

  get contactId(): string | undefined {
    return this.#contactId;
  }

  /** The contact's entries so far. */
  get entries(): readonly ApiEvent[] {
    return this.#contactId === undefined
      ? []
      : this.#events.filter((event) => event.type === 'contact' && event.contactId === this.#contactId);
  }

  async start(limitMs: number): Promise<void> {
    void this.#api.follow({
      signal: this.#ending.signal,
      onOpen: () => {
        this.#open = true;
        this.#changes.notify();
      },
      onEvent: (event) => {
        this.#events.push(event);
        this.#search();
        this.#tell();
      },
    });
    await this.#changes.until(() => this.#open || undefined, { limitMs, what: "the API's event stream to open" });
  }

  stop(): void {
    this.#ending.abort();
  }

  /** Resolves with the contact of the call. */
  async find(sipCallId: string, limitMs: number): Promise<string> {
    this.#sipCallId = sipCallId;
    this.#search();
    // The record is written beside the events, and a long prompt may follow in which nothing happens.
    const again = setInterval(() => this.#search(), searchAgainMs);
    try {
      return await this.#changes.until(() => this.#contactId, {
        limitMs,
        what: 'the hotline to know the call by its SIP Call-ID',
      });
    } finally {
      clearInterval(again);
    }
  }

  /** Resolves with the contact that is to make the call-back: the first whose events have come since `start()`. */
  async findCallBack(callBackId: string, limitMs: number): Promise<string> {
    const found = await this.#changes.until(
      () => this.#events.find((event) => event.kind === 'callBackQueued' && event.facts.callBackId === callBackId),
      { limitMs, what: 'the call-back to wait for an operator' },
    );
    const contactId = found.contactId ?? '';
    this.#contactId = contactId;
    this.#tell();
    return contactId;
  }

  /** The first entry of one of the kinds, from `after` on (a count of entries); it may have been told already. */
  async entry(
    kinds: readonly string[],
    options: {
      readonly limitMs: number;
      readonly what: string;
      readonly after?: number;
      readonly fits?: (entry: ApiEvent) => boolean;
    },
  ): Promise<ApiEvent> {
    const { after = 0, fits = () => true } = options;
    return await this.#changes.until(() => {
      const found = this.entries.slice(after).find((entry) => kinds.includes(entry.kind) && fits(entry));
      if (found === undefined && this.has('ended') && !kinds.includes('ended') && !afterEnd(kinds)) {
        throw new DozvonError('CALL_ENDED_EARLY', `expected ${options.what}, but the call ended first`);
      }
      return found;
    }, options);
  }

  has(kind: string): boolean {
    return this.entries.some((entry) => entry.kind === kind);
  }

  /** Which contact the call became is asked whenever something happens to a contact, until it is known. */
  #search(): void {
    const sipCallId = this.#sipCallId;
    if (sipCallId === undefined || this.#contactId !== undefined) return;
    this.#searching = this.#searching.then(async () => {
      if (this.#contactId !== undefined) return;
      const query = `/contacts?limit=1&sipCallId=${encodeURIComponent(sipCallId)}`;
      const found = await this.#api
        .get<{ readonly items: readonly { readonly contactId: string }[] }>(query)
        .catch(() => undefined);
      this.#contactId ??= found?.items[0]?.contactId;
      if (this.#contactId !== undefined) this.#tell();
    });
  }

  #tell(): void {
    const { entries } = this;
    for (const entry of entries.slice(this.#told)) {
      this.#told += 1;
      this.#onEntry(entry);
    }
    this.#changes.notify();
  }
}

/** What comes after the end of a contact: waiting for it, the end is no reason to give up. */
function afterEnd(kinds: readonly string[]): boolean {
  return kinds.some((kind) => kind.startsWith('recording') || kind.startsWith('wrapUp'));
}
