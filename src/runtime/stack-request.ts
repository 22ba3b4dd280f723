import type { AsteriskProgram } from '../foundation/index.ts';
import type { ChildEvent } from './child.ts';
import type { OnProgress } from './packages.ts';
import type { ProgramSources } from './programs.ts';
import type { ServiceUser } from './service-user.ts';
import type { PortPlan } from './settings.ts';

/** What Asterisk's configuration files are made of. */
export interface AsteriskFacts {
  readonly program: AsteriskProgram;
  readonly nodeId: string;
  readonly homeDir: string;
  readonly bindAddress: string;
  readonly sipPort: number;
  readonly ariPort: number;
  readonly amiPort: number;
  readonly rtpRange: { readonly first: number; readonly last: number };
  readonly ariUser: string;
  readonly ariPassword: string;
  readonly amiUser: string;
  readonly amiPassword: string;
  readonly shards: readonly string[];
  readonly operators: readonly { readonly extension: string; readonly sipPassword: string }[];
  readonly trunks: readonly TrunkFacts[];
  readonly soundsDir: string;
  readonly spoolDir: string;
  readonly testing: boolean;
}

export interface TrunkFacts {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly dial?: { readonly host: string; readonly port: number } | undefined;
}

/** Asterisk's files by name, for `<homeDir>/etc`. */
export type RenderAsterisk = (facts: AsteriskFacts) => Readonly<Record<string, string>>;

export interface ServiceRequest {
  /** `n1`, `n2`; its shard is named after it. */
  readonly nodeId: string;
  readonly apiPort: number;
  /** Added to the service's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface StackRequest {
  /** The clone (or a copy of it): src, sounds, dialplans, node_modules. */
  readonly appDir: string;
  readonly homeDir: string;
  /** Keeps apart stacks that share a home; part of the name of the folder on tmpfs. */
  readonly name?: string;
  /** Run from a copy below the home, since the servers' user cannot enter the clone. */
  readonly copyApp?: boolean;
  readonly user?: ServiceUser;
  readonly ports: PortPlan;
  /** One process with node id `n1` unless told otherwise; none for servers without a service. */
  readonly services?: readonly ServiceRequest[];
  readonly hotline: {
    /** A file or a folder. */
    readonly configPath: string;
    readonly operators: readonly { readonly extension: string }[];
    readonly trunks: readonly TrunkFacts[];
  };
  readonly renderAsterisk: RenderAsterisk;
  readonly sources: Omit<ProgramSources, 'rootsDir' | 'onProgress'>;
  /** Where fetched programs lie; `<home>/runtime` unless told otherwise. */
  readonly rootsDir?: string;
  readonly redisUrl?: string;
  readonly databaseUrl?: string;
  readonly testing: boolean;
  readonly onProgress: OnProgress;
  readonly onEvent?: (event: ChildEvent) => void;
}
