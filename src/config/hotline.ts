import { z } from 'zod';
import {
  type OperatorSettings,
  type QueueSettings,
  type SkillSettings,
  type TargetSettings,
  targetsSchema,
} from '../acd/index.ts';
import type { CallBackSettings, NumberZones } from '../callbacks/index.ts';
import type { Announcements, Flow } from '../ivr/index.ts';
import type { ProductionCalendar, Schedule } from '../schedule/index.ts';

/** A dialled number, or several that mean the same, with all that its callers meet. */
export interface Line {
  readonly id: string;
  readonly name: string;
  /** DNIS: E.164, or a short code as dialled. */
  readonly numbers: readonly string[];
  readonly scheduleId: string;
  readonly flowId: string;
  /** Topic of a contact that has not chosen one. */
  readonly entryTopic: string;
  /** The first is spoken until the caller chooses. */
  readonly languages: readonly [string, ...string[]];
  /** Where a contact goes that has to be queued without having chosen. */
  readonly defaultQueueId: string;
  /** `none`: nothing of its calls is recorded, spoken messages of requests neither. */
  readonly recording: 'all' | 'none';
}

/** A carrier, identified by the addresses its calls come from. */
export interface Trunk {
  readonly name: string;
  /** IP addresses or networks. */
  readonly addresses: readonly string[];
  /** Where its SIP server takes our calls; without it nobody is called over this carrier. */
  readonly dial?: { readonly host: string; readonly port: number } | undefined;
}

/** What concerns all lines. */
export interface HotlineSettings {
  readonly name: string;
  /** ISO 3166: notations of dialled and calling numbers are read as this country writes them. */
  readonly country: string;
  /** Spoken where no line says which, for example to who dialled an unknown number. */
  readonly language: string;
}

/** The whole configuration, checked, resolved and frozen. */
export interface HotlineConfig {
  readonly settings: HotlineSettings;
  readonly lines: readonly Line[];
  readonly schedules: Readonly<Record<string, Schedule>>;
  readonly calendar: ProductionCalendar;
  readonly skills: readonly SkillSettings[];
  readonly queues: readonly QueueSettings[];
  readonly operators: readonly OperatorSettings[];
  readonly trunks: readonly Trunk[];
  /** By id, with what they include; parts are left out. */
  readonly flows: Readonly<Record<string, Flow>>;
  /** What callers are told while they wait, by queue; of none when no file says. */
  readonly announcements: Readonly<Record<string, Announcements>>;
  /** How callers are called back, by queue; a queue that is not named here calls nobody back. */
  readonly callBacks: Readonly<Record<string, CallBackSettings>>;
  /** In which time zones a number may be. */
  readonly numberZones: NumberZones;
  readonly targets: TargetSettings;
}

const idSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,39}$/, 'an id: small letters, digits, "_" and "-", a letter first');
const languageSchema = z.string().regex(/^[a-z]{2}$/, 'a language code of two small letters such as "ru"');
const nameSchema = z.string().min(1).max(80);

/** Unquoted in YAML, 88001000001 is a number; what is meant is its digits. */
const numberAsWritten = z.union([z.string(), z.int()]).transform(String);

export const lineSchema = z.strictObject({
  id: idSchema,
  name: nameSchema,
  numbers: z.array(numberAsWritten).min(1),
  schedule: z.string(),
  flow: z.string(),
  entryTopic: idSchema,
  languages: z.tuple([languageSchema], languageSchema),
  queue: z.string(),
  recording: z.enum(['all', 'none']).default('all'),
});

const addressSchema = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);

/** A line as written; its numbers are read by `checkReferences`, which knows the country. */
export type WrittenLine = z.infer<typeof lineSchema>;

export const trunkSchema = z.strictObject({
  /** Part of names in Asterisk's configuration. */
  name: idSchema,
  addresses: z
    .array(z.string())
    .transform((texts) => texts.flatMap((text) => text.split(/[\s,]+/)).filter((text) => text !== ''))
    .pipe(z.array(addressSchema).min(1)),
  dial: z
    .strictObject({
      host: z.union([z.ipv4(), z.hostname()]),
      // A number from the environment comes as text.
      port: z.coerce.number().int().min(1).max(65_535).default(5060),
    })
    .optional(),
});

/** The root of hotline.yaml; what is in its lists is checked entry by entry, so that one bad entry does not hide the faults of others. */
export const rootSchema = z.strictObject({
  name: nameSchema,
  country: z.string().regex(/^[A-Z]{2}$/, 'a country code of two capital letters such as "RU"'),
  language: languageSchema,
  calendar: z.string().min(1),
  flows: z.string().min(1),
  announcements: z.string().min(1).optional(),
  callBacks: z.string().min(1).optional(),
  numberZones: z.string().min(1).optional(),
  trunks: z.array(z.unknown()).min(1),
  lines: z.array(z.unknown()).min(1),
  schedules: z.array(z.unknown()).min(1),
  skills: z.array(z.unknown()).min(1),
  queues: z.array(z.unknown()).min(1),
  operators: z.array(z.unknown()),
  targets: targetsSchema.prefault({}),
});

/** The line that a normalised number (or short code) belongs to. */
export function lineByDnis(config: Pick<HotlineConfig, 'lines'>, dnis: string): Line | undefined {
  return config.lines.find((line) => line.numbers.includes(dnis));
}
