import { readFile, writeFile } from 'node:fs/promises';
import { openApiText } from '../src/api/index.ts';

// npm run openapi writes docs/openapi.json from the routes' schemas; with --check it only compares and fails when they differ.
const file = new URL('../docs/openapi.json', import.meta.url);
const text = await openApiText();
const committed = await readFile(file, 'utf8').catch(() => '');

if (text === committed) {
  console.log('docs/openapi.json is current');
} else if (process.argv.includes('--check')) {
  console.error('docs/openapi.json is not what the routes say now: run npm run openapi and commit it');
  process.exitCode = 1;
} else {
  await writeFile(file, text);
  console.log('docs/openapi.json written');
}
