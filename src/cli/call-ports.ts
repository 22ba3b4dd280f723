import type { HotlineConfig } from '../config/index.ts';
import type { Terminal } from './terminal.ts';

/** The hotline that runs now, as its home folder tells it. */
export interface RunningHotline {
  readonly apiUrl: string;
  readonly apiToken: string;
  readonly sip: { readonly host: string; readonly port: number };
  /** A test call may say at which instant the schedule is evaluated. */
  readonly testing: boolean;
  readonly config: HotlineConfig;
  /** By extension. */
  readonly sipPasswords: Readonly<Record<string, string>>;
}

export interface TestLeg {
  readonly sipCallId: string;
  readonly state: 'calling' | 'ringing' | 'up' | 'ended';
  /** Rejects with `PHONE_CALL_ENDED` when the call ends instead. */
  answered(limitMs: number): Promise<void>;
  ended(limitMs: number): Promise<unknown>;
  press(keys: string): Promise<void>;
  playTone(hz: number, lastsMs: number): Promise<void>;
  /** Rejects when the tone was not heard for so long. */
  hears(hz: number, options: { readonly forMs: number; readonly limitMs: number }): Promise<number>;
  hangup(): Promise<unknown>;
}

export interface TestPhone {
  nextCall(limitMs: number): Promise<TestLeg>;
}

/** Somebody whom the hotline can call. */
export interface TestCitizen {
  nextCall(limitMs: number): Promise<TestLeg>;
}

export interface TestPhones {
  call(request: {
    readonly number: string;
    readonly ani?: string;
    readonly headers?: Readonly<Record<string, string>>;
  }): Promise<TestLeg>;
  register(request: {
    readonly extension: string;
    readonly password: string;
    readonly behaviour: { readonly kind: 'ring' } | { readonly kind: 'answer'; readonly afterMs: number };
  }): Promise<TestPhone>;
  /** From now on the number (E.164) is his. */
  citizen(request: {
    readonly number: string;
    readonly behaviour: { readonly kind: 'answer'; readonly afterMs: number };
  }): TestCitizen;
  stop(): Promise<void>;
}

/** What `dozvon call` needs of the rest. */
export interface CallPorts {
  /** The running hotline; undefined: nothing runs. */
  findRunning(): Promise<RunningHotline | undefined>;
  /** Starts phones that call the hotline from its trunk's address. */
  startPhones(options: {
    readonly target: { readonly host: string; readonly port: number };
    readonly callerAddress: string;
    /** Where they are called, at that address; any when left out. Rejects with `PHONES_UNAVAILABLE` when it is taken. */
    readonly callerPort?: number;
  }): Promise<TestPhones>;
  nowMs(): number;
  readonly terminal: Terminal;
}
