/** What a run of tap told, test by test. A test is what a file names in `t.test(…)`, or a bare assertion of the file itself. */
export interface TapResults {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** `file › test`, with the diagnosis tap printed below it. */
  readonly failures: readonly { readonly name: string; readonly diagnosis: string }[];
  readonly finishedFiles: readonly string[];
}

const resultPattern = /^( {4})?(not ok|ok) \d+(?: - (.*))?$/;
const linesOfDiagnosis = 40;

/** tap puts the time, a skip and an opening brace behind the name. */
function nameIn(description: string): string {
  return description
    .replace(/ # (time=|SKIP|TODO).*$/i, '')
    .replace(/ \{$/, '')
    .trim();
}

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * Reads tap's TAP output line by line. A file that fails without a failing test of its own (it crashed, timed out, or had no tests)
 * counts as one failure, so nothing that went wrong is left out of the count.
 */
export class TapReader {
  readonly #counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  readonly #failures: { name: string; diagnosis: string }[] = [];
  readonly #finished: string[] = [];
  readonly #onFile: (file: string, verdict: 'passed' | 'failed') => void;
  #file = '';
  #failedInFile = 0;
  #diagnosis: string[] | undefined;
  /** What a test has printed since the one before it: its own assertions, with what they say about a failure. */
  #recent: string[] = [];
  /** tap writes `ok 1 - file {` first when files run side by side; its verdict then waits for the closing brace. */
  #pendingVerdict: 'passed' | 'failed' | undefined;

  constructor(onFile: (file: string, verdict: 'passed' | 'failed') => void = () => {}) {
    this.#onFile = onFile;
  }

  line(line: string): void {
    const subtest = /^# Subtest: (.+)$/.exec(line);
    if (subtest?.[1] !== undefined) this.#beginFile(subtest[1]);
    else if (line === '}' && this.#pendingVerdict !== undefined) this.#endFile(this.#pendingVerdict);
    else {
      const match = resultPattern.exec(line);
      if (match === null) this.#keepForDiagnosis(line);
      else if (match[1] === undefined) this.#fileResult(match[2] === 'ok' ? 'passed' : 'failed', match[3] ?? '');
      else this.#testResult(match[2] === 'ok', match[3] ?? '');
    }
  }

  results(): TapResults {
    return { ...this.#counts, failures: this.#failures, finishedFiles: this.#finished };
  }

  #beginFile(file: string): void {
    this.#file = file;
    this.#failedInFile = 0;
    this.#diagnosis = undefined;
    this.#recent = [];
  }

  #fileResult(verdict: 'passed' | 'failed', description: string): void {
    const name = nameIn(description);
    if (description.endsWith('{')) {
      this.#beginFile(name);
      this.#pendingVerdict = verdict;
      return;
    }
    if (this.#file !== name) this.#beginFile(name);
    // A file without a test checks nothing.
    this.#endFile(/ # SKIP/i.test(description) ? 'failed' : verdict);
  }

  #endFile(verdict: 'passed' | 'failed'): void {
    this.#pendingVerdict = undefined;
    if (verdict === 'failed' && this.#failedInFile === 0) this.#fail(`${this.#file} (the file itself)`);
    else this.#diagnosis = undefined;
    this.#finished.push(this.#file);
    this.#onFile(this.#file, verdict);
    this.#file = '';
    this.#failedInFile = 0;
  }

  #testResult(ok: boolean, description: string): void {
    this.#diagnosis = undefined;
    const recent = this.#recent;
    this.#recent = [];
    const name = nameIn(description);
    if (/# (SKIP|TODO)/i.test(description)) this.#counts.skipped += 1;
    else if (ok) this.#counts.passed += 1;
    else {
      this.#failedInFile += 1;
      const first = recent.findIndex((line) => line.trimStart().startsWith('not ok'));
      this.#fail(`${this.#file} › ${name}`, first < 0 ? [] : recent.slice(first, first + linesOfDiagnosis));
    }
  }

  #fail(name: string, lines: string[] = []): void {
    this.#counts.failed += 1;
    this.#diagnosis = lines.length === 0 ? lines : undefined;
    this.#failures.push({
      name,
      get diagnosis() {
        return lines.join('\n');
      },
    });
  }

  #keepForDiagnosis(line: string): void {
    this.#recent.push(line);
    if (this.#diagnosis !== undefined && this.#diagnosis.length < linesOfDiagnosis && line.trim() !== '')
      this.#diagnosis.push(line);
  }
}
