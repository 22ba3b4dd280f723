import { z } from 'zod';

import { DozvonError } from '../foundation/index.ts';

const port = z.coerce.number().int().min(1).max(65_535);
const address = z.union([z.ipv4(), z.ipv6()]);
const rtpRange = z
  .string()
  .regex(/^\d+-\d+$/)
  .transform((text) => {
    const [first = 0, last = 0] = text.split('-').map(Number);
    return { first, last };
  })
  // Each leg takes an even port for RTP and the odd one after it for RTCP.
  .refine(
    (range) => range.first >= 1024 && range.last <= 65_535 && range.last - range.first >= 3,
    'a range such as 10000-10999',
  );

const environmentSchema = z.object({
  DOZVON_HOME: z.string().min(1).optional(),
  DOZVON_CONFIG: z.string().min(1).optional(),
  DOZVON_USER: z.string().min(1).optional(),
  DOZVON_RUNTIME_ROOT: z.string().min(1).optional(),
  DOZVON_DEBIAN_MIRROR: z.string().min(1).optional(),
  DOZVON_DEBIAN_KEYRING: z.string().startsWith('/').optional(),
  DOZVON_ASTERISK_SUITE: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/)
    .default('forky'),
  /** `private` never uses the host's own Asterisk and Redis. */
  DOZVON_PROGRAMS: z.enum(['any', 'private']).default('any'),
  DOZVON_BIND: address.default('127.0.0.1'),
  DOZVON_API_BIND: address.default('127.0.0.1'),
  DOZVON_SIP_PORT: port.default(5060),
  DOZVON_ARI_PORT: port.default(8088),
  DOZVON_AMI_PORT: port.default(5038),
  DOZVON_API_PORT: port.default(8080),
  DOZVON_REDIS_PORT: port.default(16_379),
  DOZVON_RTP_PORTS: rtpRange.default({ first: 10_000, last: 10_999 }),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
});

/** Ports and addresses of one stack. */
export interface PortPlan {
  /** SIP and RTP. */
  readonly bind: string;
  readonly sip: number;
  readonly rtp: { readonly first: number; readonly last: number };
  /** ARI, AMI and Redis always listen on 127.0.0.1. */
  readonly ari: number;
  readonly ami: number;
  readonly redis: number;
  readonly apiBind: string;
  readonly api: number;
}

/** What the environment says; names are those of the variables without their prefix. */
export interface RuntimeSettings {
  readonly home?: string;
  readonly config?: string;
  readonly user?: string;
  readonly runtimeRoot?: string;
  readonly mirror?: string;
  readonly keyring?: string;
  readonly suite: string;
  readonly programs: 'any' | 'private';
  readonly ports: PortPlan;
  readonly redisUrl?: string;
  readonly databaseUrl?: string;
}

/** Reads the settings from environment variables; throws `SETTINGS_INVALID` naming every wrong one. Empty counts as unset. */
export function readRuntimeSettings(environment: Readonly<Record<string, string | undefined>>): RuntimeSettings {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')} (${issue.message})`).join('; ');
    throw new DozvonError('SETTINGS_INVALID', `These environment settings are wrong: ${wrong}.`);
  }
  const env = parsed.data;
  return {
    ...(env.DOZVON_HOME === undefined ? {} : { home: env.DOZVON_HOME }),
    ...(env.DOZVON_CONFIG === undefined ? {} : { config: env.DOZVON_CONFIG }),
    ...(env.DOZVON_USER === undefined ? {} : { user: env.DOZVON_USER }),
    ...(env.DOZVON_RUNTIME_ROOT === undefined ? {} : { runtimeRoot: env.DOZVON_RUNTIME_ROOT }),
    ...(env.DOZVON_DEBIAN_MIRROR === undefined ? {} : { mirror: env.DOZVON_DEBIAN_MIRROR }),
    ...(env.DOZVON_DEBIAN_KEYRING === undefined ? {} : { keyring: env.DOZVON_DEBIAN_KEYRING }),
    ...(env.REDIS_URL === undefined ? {} : { redisUrl: env.REDIS_URL }),
    ...(env.DATABASE_URL === undefined ? {} : { databaseUrl: env.DATABASE_URL }),
    suite: env.DOZVON_ASTERISK_SUITE,
    programs: env.DOZVON_PROGRAMS,
    ports: {
      bind: env.DOZVON_BIND,
      sip: env.DOZVON_SIP_PORT,
      rtp: env.DOZVON_RTP_PORTS,
      ari: env.DOZVON_ARI_PORT,
      ami: env.DOZVON_AMI_PORT,
      redis: env.DOZVON_REDIS_PORT,
      apiBind: env.DOZVON_API_BIND,
      api: env.DOZVON_API_PORT,
    },
  };
}
