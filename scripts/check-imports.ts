/**
 * The import rule: main → app → parts of app → adapters → contact → config → rooms → foundations. Rooms do not import one another, adapters do not
 * either, and a room is entered by its index or a ports file. Prints each violation; exits 1 when there is one.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface Violation {
  readonly file: string;
  readonly imported: string;
  readonly rule: 'upwards' | 'sideways' | 'insideOfRoom' | 'unknownRoom' | 'driverInRoom';
}

/** Higher layers may import lower ones. Within a layer nothing but the layer's own exceptions. */
const layers: readonly (readonly string[])[] = [
  ['main'],
  ['app', 'recording-command'],
  ['app-call-backs', 'app-events', 'app-levels', 'app-recordings'],
  ['app-closers', 'app-hours'],
  ['telephony', 'store', 'connectors', 'api', 'cli', 'runtime', 'phones', 'pino-logger', 'recording-port'],
  ['contact'],
  ['config'],
  ['schedule', 'ivr', 'acd', 'recording', 'cases', 'callbacks'],
  ['ari', 'vault'],
  ['foundation', 'version'],
];

/** Files by which a room may be entered from outside. */
const doors = [/^index\.ts$/, /^[a-z-]*ports\.ts$/, /^telephony-events\.ts$/];
/** Rooms of several parts, each with an index of its own. */
const parted = ['store'];

/** The rules run without Asterisk, Redis, PostgreSQL or HTTP: inner rooms import no driver. */
const drivers = ['ioredis', 'bullmq', 'pg', 'kysely', 'fastify', 'ws', 'asterisk-manager', 'pino', 'ari-client'];
const driverFree = [
  'contact',
  'config',
  'schedule',
  'ivr',
  'acd',
  'recording',
  'cases',
  'callbacks',
  'vault',
  'foundation',
];

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g;

function roomOf(path: string): string {
  const [first = ''] = path.split(sep);
  return first.replace(/\.ts$/, '');
}

function isDoor(room: string, path: string): boolean {
  const inner = path.split(sep).slice(1);
  if (parted.includes(room) && inner.length === 2) return inner[1] === 'index.ts';
  return doors.some((door) => door.test(inner.join('/')));
}

const layerOf = (room: string): number => layers.findIndex((layer) => layer.includes(room));

/** Checks one file; `file` is its path below src. */
export function checkFile(file: string, text: string): readonly Violation[] {
  const room = roomOf(file);
  const violations: Violation[] = [];
  for (const match of text.matchAll(importPattern)) {
    const imported = match[1] ?? match[2] ?? match[3] ?? '';
    const add = (rule: Violation['rule']): void => void violations.push({ file, imported, rule });
    if (!imported.startsWith('.')) {
      if (
        driverFree.includes(room) &&
        drivers.some((driver) => imported === driver || imported.startsWith(`${driver}/`))
      )
        add('driverInRoom');
      continue;
    }
    const target = normalize(join(dirname(file), imported));
    const targetRoom = roomOf(target);
    if (targetRoom === room) continue;
    if (layerOf(targetRoom) < 0 || layerOf(room) < 0) add('unknownRoom');
    else if (layerOf(targetRoom) < layerOf(room)) add('upwards');
    else if (layerOf(targetRoom) === layerOf(room)) add('sideways');
    else if (target.includes(sep) && !isDoor(targetRoom, target)) add('insideOfRoom');
  }
  return violations;
}

/** Every violation below `sourceDir`, and how many files were read: a check that reads nothing must not pass. */
export function checkTree(sourceDir: string): { readonly files: number; readonly violations: readonly Violation[] } {
  const files = globSync('**/*.ts', { cwd: sourceDir }).sort();
  return {
    files: files.length,
    violations: files.flatMap((file) => checkFile(file, readFileSync(join(sourceDir, file), 'utf8'))),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const sourceDir = join(import.meta.dirname, '..', 'src');
  const { files, violations } = checkTree(sourceDir);
  for (const { file, imported, rule } of violations)
    console.error(`${join(relative(process.cwd(), sourceDir), file)}: ${rule}: ${imported}`);
  console.log(`import rule: ${files} files, ${violations.length} violations`);
  process.exitCode = violations.length > 0 || files < 50 ? 1 : 0;
}
