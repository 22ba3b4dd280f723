/**
 * Writes src/ari/ari.gen.ts from the descriptions of ARI that Asterisk ships (`rest-api/*.json`, Swagger 1.1).
 *
 *   node scripts/generate-ari-types.ts            write the types
 *   node scripts/generate-ari-types.ts --check    fail when the written types differ from the descriptions
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Property {
  readonly type: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly allowableValues?: { readonly valueType: string; readonly values?: readonly string[] };
}

interface Model {
  readonly id: string;
  readonly description?: string;
  readonly subTypes?: readonly string[];
  readonly properties: Readonly<Record<string, Property>>;
}

interface Parameter {
  readonly name: string;
  readonly paramType: 'path' | 'query' | 'body';
  readonly dataType: string;
  readonly required?: boolean;
  readonly allowMultiple?: boolean;
  readonly allowableValues?: Property['allowableValues'];
}

interface Operation {
  readonly httpMethod: string;
  readonly summary: string;
  readonly responseClass: string;
  readonly upgrade?: string;
  readonly parameters?: readonly Parameter[];
}

export interface ApiDescription {
  readonly apis: readonly { readonly path: string; readonly operations: readonly Operation[] }[];
  readonly models?: Readonly<Record<string, Model>>;
}

const plainTypes: Readonly<Record<string, string>> = {
  string: 'string',
  Date: 'string',
  binary: 'string',
  int: 'number',
  long: 'number',
  double: 'number',
  boolean: 'boolean',
  void: 'void',
  object: 'Readonly<Record<string, unknown>>',
  containers: 'Readonly<Record<string, unknown>>',
};

function typeOf(name: string, allowable?: Property['allowableValues']): string {
  const list = /^List\[(.+)\]$/.exec(name)?.[1];
  if (list !== undefined) return `readonly ${typeOf(list)}[]`;
  if (name === 'string' && allowable?.valueType === 'LIST' && allowable.values !== undefined) {
    return allowable.values.map((value) => `'${value}'`).join(' | ');
  }
  return plainTypes[name] ?? name;
}

function comment(text: string | undefined, indent: string): string {
  if (text === undefined || text === '') return '';
  return `${indent}/** ${text.replaceAll(/\s+/g, ' ').replaceAll('*/', '* /').trim()} */\n`;
}

function fields(properties: Readonly<Record<string, Property>>, omitted: ReadonlySet<string>): string {
  return Object.entries(properties)
    .filter(([name]) => !omitted.has(name))
    .map(([name, property]) => {
      const mark = property.required === true ? '' : '?';
      return `${comment(property.description, '  ')}  readonly ${name}${mark}: ${typeOf(property.type, property.allowableValues)};\n`;
    })
    .join('');
}

/** Names of the events: every model under `Message`, however deep, that has no models under it. */
function eventNames(models: ReadonlyMap<string, Model>): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (name: string): void => {
    const model = models.get(name);
    if (model === undefined) return;
    if (model.subTypes === undefined || model.subTypes.length === 0) found.add(name);
    for (const under of model.subTypes ?? []) visit(under);
  };
  visit('Message');
  return found;
}

function renderModels(models: ReadonlyMap<string, Model>): string {
  const events = eventNames(models);
  const parts: string[] = [];
  for (const [name, model] of models) {
    if (name === 'Message') continue;
    const isEvent = events.has(name);
    const parent = name === 'Event' || name === 'MissingParams' ? 'Message' : isEvent ? 'Event' : undefined;
    const inherited = parent === undefined ? new Set<string>() : new Set(['type']);
    const tag = isEvent ? `  readonly type: '${name}';\n` : '';
    parts.push(
      `${comment(model.description, '')}export interface ${name}${parent === undefined ? '' : ` extends ${parent}`} {\n${tag}${fields(model.properties, inherited)}}\n`,
    );
  }
  const message = models.get('Message');
  const base = `export interface Message {\n${fields(message?.properties ?? {}, new Set(['type']))}}\n`;
  const union = `/** Every event of this version, told apart by \`type\`. */\nexport type AriEvent =\n${[...events].map((name) => `  | ${name}`).join('\n')};\n`;
  return [base, ...parts, union].join('\n');
}

function renderParameters(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return 'Readonly<Record<never, never>>';
  const parts = parameters.map((parameter) => {
    const one = typeOf(parameter.dataType, parameter.allowableValues);
    const type = parameter.allowMultiple === true ? `${one} | readonly (${one})[]` : one;
    return `readonly ${parameter.name}${parameter.required === true ? '' : '?'}: ${type}`;
  });
  return `{ ${parts.join('; ')} }`;
}

function renderOperations(descriptions: readonly ApiDescription[]): string {
  let text =
    '/** Every operation: its path and query parameters together, its body, and what a 2xx answer holds. */\nexport interface AriOperations {\n';
  for (const api of descriptions.flatMap((description) => description.apis)) {
    for (const operation of api.operations) {
      if (operation.upgrade === 'websocket') continue;
      const all = operation.parameters ?? [];
      const body = all.some((parameter) => parameter.paramType === 'body')
        ? 'Readonly<Record<string, unknown>>'
        : 'undefined';
      text += comment(operation.summary, '  ');
      text += `  '${operation.httpMethod} ${api.path}': {\n`;
      text += `    readonly params: ${renderParameters(all.filter((parameter) => parameter.paramType !== 'body'))};\n`;
      text += `    readonly body: ${body};\n    readonly result: ${typeOf(operation.responseClass)};\n  };\n`;
    }
  }
  return `${text}}\n`;
}

/** The text of ari.gen.ts for these descriptions. */
export function renderAriTypes(descriptions: readonly ApiDescription[], asteriskVersion: string): string {
  const models = new Map<string, Model>();
  for (const description of descriptions) {
    for (const [name, model] of Object.entries(description.models ?? {})) models.set(name, model);
  }
  return [
    `// Written by scripts/generate-ari-types.ts from src/ari/rest-api of Asterisk ${asteriskVersion}. Do not edit.`,
    `/** The Asterisk these types describe. */\nexport const describedVersion = '${asteriskVersion}';\n`,
    renderModels(models),
    renderOperations(descriptions),
  ].join('\n');
}

/** The descriptions committed in `folder`, by file name. */
export function readDescriptions(folder: string): readonly ApiDescription[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')) as ApiDescription);
}

/** The Asterisk whose descriptions are committed. */
export const committedVersion = '22.10.1';

if (import.meta.main) {
  const ari = fileURLToPath(new URL('../src/ari', import.meta.url));
  const text = renderAriTypes(readDescriptions(`${ari}/rest-api`), committedVersion);
  if (process.argv.includes('--check')) {
    if (readFileSync(`${ari}/ari.gen.ts`, 'utf8') !== text) {
      process.stderr.write('src/ari/ari.gen.ts differs from src/ari/rest-api: run scripts/generate-ari-types.ts\n');
      process.exitCode = 1;
    }
  } else {
    writeFileSync(`${ari}/ari.gen.ts`, text);
  }
}
