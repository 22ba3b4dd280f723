import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import { messageOf } from '../foundation/index.ts';
import { type ConfigFault, type Mismatch, type Path, pathText } from './faults.ts';

/** Settings from outside (the environment), by name. */
export type ExternalSettings = Readonly<Record<string, string | undefined>>;

/** A file of the configuration, read and resolved; `value` is plain data. */
export interface ConfigDocument {
  readonly file: string;
  readonly value: unknown;
  /** Where in the file the entry at `path` stands; the nearest that exists when there is none. */
  fault(mismatch: Mismatch): ConfigFault;
}

export interface DocumentResult {
  readonly document?: ConfigDocument;
  readonly faults: readonly ConfigFault[];
}

/** `${DOZVON_NAME}` or `${DOZVON_NAME:-default}`. */
const settingPattern = /\$\{([^}:]*)(?::-([^}]*))?\}/g;
/** Other variables of the environment are none of the configuration's business, and may be secrets. */
const settingName = /^DOZVON_[A-Z0-9_]+$/;

export async function readDocument(file: string, settings: ExternalSettings): Promise<DocumentResult> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return { faults: [{ file, path: '', expected: 'a file that can be read', got: messageOf(error) }] };
  }
  const lines = new LineCounter();
  const parsed = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (parsed.errors.length > 0) {
    const faults = parsed.errors.map((error) => ({
      file,
      line: lines.linePos(error.pos[0]).line,
      path: '',
      expected: 'YAML',
      got: error.message,
    }));
    return { faults };
  }
  const lineOf = (offset: number | undefined): { line?: number } =>
    offset === undefined ? {} : { line: lines.linePos(offset).line };
  const faults: ConfigFault[] = [];
  visit(parsed, {
    Scalar(_key, node) {
      if (typeof node.value !== 'string' || !node.value.includes('${')) return;
      const { text: resolved, unresolved } = substitute(node.value, settings);
      node.value = resolved;
      for (const { expected, got } of unresolved)
        faults.push({ file, ...lineOf(node.range?.[0]), path: '', expected, got });
    },
  });
  const document: ConfigDocument = {
    file,
    value: parsed.toJS() as unknown,
    fault: ({ path, expected, got }) => ({
      file,
      ...lineOf(offsetOf(parsed, path)),
      path: pathText(path),
      expected,
      got,
    }),
  };
  return { document, faults };
}

/** Reads the YAML files of a folder in the order of their names. */
export async function readFolder(
  folder: string,
  settings: ExternalSettings,
): Promise<{ readonly documents: readonly ConfigDocument[]; readonly faults: readonly ConfigFault[] }> {
  let names: readonly string[];
  try {
    names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
  } catch (error) {
    const got = messageOf(error);
    return { documents: [], faults: [{ file: folder, path: '', expected: 'a folder that can be read', got }] };
  }
  const results = await Promise.all(names.map((name) => readDocument(join(folder, name), settings)));
  return {
    documents: results.flatMap(({ document }) => (document === undefined ? [] : [document])),
    faults: results.flatMap(({ faults }) => faults),
  };
}

/** What is put in stays text: a telephone number must not turn into a number. */
function substitute(
  text: string,
  settings: ExternalSettings,
): { readonly text: string; readonly unresolved: readonly { readonly expected: string; readonly got: string }[] } {
  const unresolved: { expected: string; got: string }[] = [];
  const resolved = text.replace(settingPattern, (whole: string, name: string, fallback: string | undefined) => {
    if (!settingName.test(name)) {
      unresolved.push({ expected: 'a setting whose name begins with DOZVON_', got: whole });
      return whole;
    }
    const given = settings[name];
    const value = given === undefined || given === '' ? fallback : given;
    if (value === undefined) unresolved.push({ expected: `the setting ${name} in the environment`, got: 'nothing' });
    return value ?? whole;
  });
  return { text: resolved, unresolved };
}

/** Offset of the node at `path`, or of the nearest above it. Keys are compared as text: YAML reads the key 1 as a number. */
function offsetOf(document: Document.Parsed, path: Path): number | undefined {
  let node: unknown = document.contents;
  let offset = rangeStart(node);
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      offset = rangeStart(pair?.key) ?? offset;
      node = pair?.value;
    } else {
      node = isSeq(node) ? node.items[Number(part)] : undefined;
      offset = rangeStart(node) ?? offset;
    }
  }
  return offset;
}

function rangeStart(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
