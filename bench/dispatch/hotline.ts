import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

/** What is dialled, at both systems. */
export const dialled = '88001000001';
export const operatorCount = 50;
/** Of both systems together: 201–250 are ours, 301–350 the peer's. */
const firstExtension = { dozvon: 201, appQueue: 301 } as const;

export function extensionsOf(system: keyof typeof firstExtension): readonly string[] {
  return Array.from({ length: operatorCount }, (_, i) => String(firstExtension[system] + i));
}

export const operatorIdOf = (extension: string): string => `op${extension}`;

/** The same for both systems. `plain`: nothing is recorded and who waits hears nothing; `recorded`: all calls are, and who waits hears music. */
export type Terms = 'plain' | 'recorded';

export interface HotlineRequest {
  readonly appDir: string;
  readonly callerAddress: string;
  readonly terms: Terms;
}

/** One line that is always open, a flow that goes straight into a queue, nothing announced, no wrap-up. */
export function writeHotline(dir: string, options: HotlineRequest): void {
  const recorded = options.terms === 'recorded';
  mkdirSync(join(dir, 'flows'), { recursive: true });
  cpSync(join(options.appDir, 'config/calendar'), join(dir, 'calendar'), { recursive: true });
  const hotline = {
    name: 'Benchmark',
    country: 'RU',
    language: 'ru',
    calendar: 'calendar/russia.yaml',
    flows: 'flows',
    trunks: [{ name: 'callers', addresses: [options.callerAddress] }],
    lines: [
      {
        id: 'bench',
        name: 'Benchmark',
        numbers: [dialled],
        schedule: 'always',
        flow: 'straight',
        entryTopic: 'bench',
        languages: ['ru'],
        queue: 'bench',
        recording: recorded ? 'all' : 'none',
      },
    ],
    schedules: [{ id: 'always', name: 'Always', timeZone: 'Europe/Moscow', always: true }],
    skills: [{ id: 'bench', name: 'Benchmark' }],
    queues: [
      {
        id: 'bench',
        name: 'Benchmark',
        requirement: [{ skill: 'bench', minLevel: 1 }],
        wrapUpMs: 0,
        waiting: recorded ? 'music' : 'silence',
        welcome: false,
        setAside: { unansweredMs: 1_000, busyMs: 1_000, declinedMs: 1_000 },
      },
    ],
    operators: extensionsOf('dozvon').map((extension) => ({
      id: operatorIdOf(extension),
      extension,
      name: `Operator ${extension}`,
      skills: { bench: 5 },
    })),
  };
  const flow = {
    id: 'straight',
    entry: 'queue',
    nodes: { queue: { type: 'enqueue', queue: 'bench', topic: 'bench' } },
  };
  writeFileSync(join(dir, 'hotline.yaml'), stringify(hotline));
  writeFileSync(join(dir, 'flows/straight.yaml'), stringify(flow));
}
