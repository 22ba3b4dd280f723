import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { readText } from './platform.ts';

/** One archive of the host's apt configuration. */
export interface AptSource {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** A key file, or an embedded key block as deb822 writes it. Undefined: the keys of trusted.gpg.d count. */
  readonly signedBy?: string;
}

/** Reads deb822 stanzas (*.sources): `Types: deb`, enabled, one result for each URI. */
export function parseDeb822(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const stanza of text.split(/\n[ \t]*\n/)) {
    const fields = new Map<string, string>();
    let last = '';
    for (const line of stanza.split('\n')) {
      if (line.startsWith('#')) continue;
      const match = /^([A-Za-z0-9-]+):[ \t]*(.*)$/.exec(line);
      if (match?.[1] !== undefined) {
        last = match[1].toLowerCase();
        fields.set(last, match[2] ?? '');
      } else if (/^[ \t]/.test(line) && last !== '') fields.set(last, `${fields.get(last)}\n${line}`);
    }
    const words = (name: string): string[] => (fields.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
    if (
      !words('types').includes('deb') ||
      /^(no|false|without|off|disable)$/i.test((fields.get('enabled') ?? '').trim())
    )
      continue;
    const signedBy = fields.get('signed-by')?.trim();
    for (const uri of words('uris')) {
      sources.push({
        uri,
        suites: words('suites'),
        components: words('components'),
        ...(signedBy ? { signedBy } : {}),
      });
    }
  }
  return sources;
}

/** Reads one-line entries (sources.list, *.list): `deb [signed-by=FILE] URI SUITE COMPONENT…`. */
export function parseOneLine(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)([^#]*)/.exec(line);
    if (match?.[2] === undefined || match[3] === undefined) continue;
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(match[1] ?? '')?.[1];
    const components = (match[4] ?? '').split(/\s+/).filter((word) => word !== '');
    sources.push({ uri: match[2], suites: [match[3]], components, ...(signedBy ? { signedBy } : {}) });
  }
  return sources;
}

/** Every archive the host's apt knows, in the order apt reads them. */
export function readHostSources(etcApt = '/etc/apt'): AptSource[] {
  const sources = parseOneLine(readText(join(etcApt, 'sources.list')) ?? '');
  let parts: string[] = [];
  try {
    parts = readdirSync(join(etcApt, 'sources.list.d')).sort();
  } catch {
    // No folder of parts: sources.list is all there is.
  }
  for (const part of parts) {
    const text = readText(join(etcApt, 'sources.list.d', part)) ?? '';
    if (part.endsWith('.sources')) sources.push(...parseDeb822(text));
    else if (part.endsWith('.list')) sources.push(...parseOneLine(text));
  }
  return sources;
}

/**
 * The distribution's own archive among the host's: it carries the host's very suite (or `stable`, `testing`, `unstable`) with the
 * component `main`. Archives of third parties use other suites or components, the security archive a suite of its own.
 */
export function pickMirror(sources: readonly AptSource[], codename: string): AptSource | undefined {
  const own = new Set([codename, 'stable', 'testing', 'unstable', 'sid'].filter((suite) => suite !== ''));
  const fits = sources.filter(
    (source) =>
      source.components.includes('main') &&
      source.suites.some((suite) => own.has(suite)) &&
      !source.uri.startsWith('cdrom:'),
  );
  return fits.find((source) => source.signedBy?.includes('debian-archive')) ?? fits[0];
}
