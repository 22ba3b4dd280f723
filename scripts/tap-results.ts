/** What a run of tap told, test by test. */
export interface TapResults {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** `file › test › part`, with what tap printed about it. */
  readonly failures: readonly { readonly name: string; readonly diagnosis: string }[];
  readonly finishedFiles: readonly string[];
}

type Verdict = 'passed' | 'failed' | 'skipped';

/** A file (at depth 0), or a test in one, that has begun and has not ended. */
interface Open {
  readonly name: string;
  readonly depth: number;
  /** tap writes the verdict first, with a brace, for what runs side by side. */
  readonly verdict?: Verdict;
  /** It is made of further tests, which are counted instead of it. */
  divided: boolean;
  failedParts: number;
  /** What was printed in it that is not a part's. */
  readonly printed: string[];
}

const resultPattern = /^((?: {4})*)(not ok|ok) \d+(?: - (.*))?$/;
const subtestPattern = /^((?: {4})*)# Subtest: (.+)$/;
const linesOfDiagnosis = 40;
const linesKept = 400;

/** tap puts the time, a skip and an opening brace behind the name. */
function nameIn(description: string): string {
  return description
    .replace(/ # (time=|SKIP|TODO).*$/i, '')
    .replace(/ \{$/, '')
    .trim();
}

function verdictOf(word: string, description: string): Verdict {
  if (/ # (SKIP|TODO)/i.test(description)) return 'skipped';
  return word === 'ok' ? 'passed' : 'failed';
}

/** A file that has come to its plan, which tap prints last, with no part failed has passed. */
function toldOf(file: Open): Verdict {
  const ended = file.printed.some((line) => /^ {4}1\.\.\d/.test(line));
  return ended && file.failedParts === 0 ? 'passed' : 'failed';
}

/**
 * Reads tap's TAP output line by line. Counted are the tests that are not divided into further ones, and bare assertions of a file. A
 * test or file that fails though no part of it did (it crashed, timed out, or is empty) counts as one failure: nothing that went wrong
 * is left out.
 */
export class TapReader {
  readonly #counts: Record<Verdict, number> = { passed: 0, failed: 0, skipped: 0 };
  readonly #failures: { name: string; diagnosis: string }[] = [];
  readonly #finished: string[] = [];
  readonly #onFile: (file: string, verdict: 'passed' | 'failed') => void;
  readonly #open: Open[] = [];

  constructor(onFile: (file: string, verdict: 'passed' | 'failed') => void = () => {}) {
    this.#onFile = onFile;
  }

  line(line: string): void {
    const subtest = subtestPattern.exec(line);
    if (subtest !== null) {
      this.#begin(subtest[2] ?? '', (subtest[1]?.length ?? 0) / 4);
      return;
    }
    const last = this.#open.at(-1);
    if (last?.verdict !== undefined && line === `${'    '.repeat(last.depth)}}`) {
      this.#end(last.verdict);
      return;
    }
    const match = resultPattern.exec(line);
    if (match === null) last?.printed.push(line);
    else this.#result((match[1]?.length ?? 0) / 4, verdictOf(match[2] ?? '', match[3] ?? ''), match[3] ?? '');
    if (last !== undefined && last.printed.length > linesKept) last.printed.splice(0, linesKept / 2);
  }

  results(): TapResults {
    return { ...this.#counts, failures: this.#failures, finishedFiles: this.#finished };
  }

  #begin(name: string, depth: number, verdict?: Verdict): void {
    // What has not ended when something of its own depth begins was cut off: its end will never come.
    while ((this.#open.at(-1)?.depth ?? -1) >= depth) this.#end('failed');
    const parent = this.#open.at(-1);
    if (parent !== undefined) parent.divided = true;
    this.#open.push({
      name,
      depth,
      ...(verdict === undefined ? {} : { verdict }),
      divided: false,
      failedParts: 0,
      printed: [],
    });
  }

  #result(depth: number, verdict: Verdict, description: string): void {
    const name = nameIn(description);
    if (description.endsWith('{')) {
      this.#begin(name, depth, verdict);
      return;
    }
    while ((this.#open.at(-1)?.depth ?? -1) > depth) this.#end('failed');
    const last = this.#open.at(-1);
    // When a file has timed out, tap also says so in place of the last file's result; that one is judged by what it told itself.
    if (last?.depth === 0 && depth === 0 && name === 'timeout!') this.#end(toldOf(last));
    else if (last?.depth === depth && (depth === 0 || last.name === name)) this.#end(verdict);
    else if (depth === 0) {
      this.#begin(name, 0);
      this.#end(verdict);
    } else this.#assertion(depth, verdict, description);
  }

  /** An assertion of a file itself counts as a test, and so does a skipped test; others belong to the test around them. */
  #assertion(depth: number, verdict: Verdict, description: string): void {
    const around = this.#open.at(-1);
    if (around !== undefined && verdict === 'failed') around.printed.push(`not ok - ${description}`);
    if (depth !== 1 && verdict !== 'skipped') return;
    if (around !== undefined && depth === 1) around.divided = true;
    this.#count(verdict, description, around);
  }

  #end(verdict: Verdict): void {
    const ended = this.#open.pop();
    if (ended === undefined) return;
    const isFile = ended.depth === 0;
    // A file without a test checks nothing, which tap calls skipped.
    const judged: Verdict = isFile && !ended.divided && verdict !== 'passed' ? 'failed' : verdict;
    const counted = judged === 'failed' ? ended.failedParts === 0 : !ended.divided && !isFile;
    if (counted) this.#count(judged, ended.name, ended);
    else if (judged === 'failed') this.#failedIn(this.#open.at(-1));
    if (isFile) {
      this.#finished.push(ended.name);
      this.#onFile(ended.name, judged === 'failed' ? 'failed' : 'passed');
    }
  }

  #count(verdict: Verdict, name: string, told: Open | undefined): void {
    this.#counts[verdict] += 1;
    if (verdict !== 'failed') return;
    const path = [...this.#open.map((one) => one.name), nameIn(name)].join(' › ');
    const printed = told?.printed ?? [];
    const first = printed.findIndex((line) => line.trimStart().startsWith('not ok'));
    this.#failures.push({
      name: path,
      diagnosis: printed.slice(Math.max(first, 0), Math.max(first, 0) + linesOfDiagnosis).join('\n'),
    });
    this.#failedIn(this.#open.at(-1));
  }

  #failedIn(around: Open | undefined): void {
    if (around !== undefined) around.failedParts += 1;
  }
}
