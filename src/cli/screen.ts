import type { HotlineConfig } from '../config/index.ts';
import { evaluateSchedule } from '../schedule/index.ts';

/** What is running, as the screen after the start tells it. */
export interface ScreenFacts {
  readonly hotline: HotlineConfig;
  readonly nowMs: number;
  readonly startedInMs: number;
  readonly data: 'created' | 'kept' | 'elsewhere';
  readonly programs: string;
  readonly sip: { readonly address: string; readonly port: number };
  readonly apiUrl: string;
  readonly secretsFile: string;
  readonly logDir: string;
  readonly testing: boolean;
  readonly warnings: readonly string[];
}

/** A Russian freephone number as people write it; any other as it is. */
export function spokenNumber(e164: string): string {
  const match = /^\+7(800)(\d{3})(\d{2})(\d{2})$/.exec(e164);
  return match === null ? e164 : `8-${match.slice(1).join('-')}`;
}

/** A number as it is dialled, for the example. */
function dialled(e164: string): string {
  return e164.startsWith('+7') ? `8${e164.slice(2)}` : e164.replace('+', '');
}

const labelWidth = 11;

function block(label: string, lines: readonly string[]): string[] {
  return lines.map((line, index) => `  ${(index === 0 ? label : '').padEnd(labelWidth)}${line}`);
}

const dataSentence: Readonly<Record<ScreenFacts['data'], string>> = {
  created: 'a new database was made',
  kept: 'data of the earlier start were kept',
  elsewhere: 'data lie in the database of DATABASE_URL',
};

function lineRows(facts: ScreenFacts): string[] {
  const { hotline } = facts;
  const nameWidth = Math.max(...hotline.lines.map((line) => line.name.length));
  return hotline.lines.map((line) => {
    const schedule = hotline.schedules[line.scheduleId];
    const open = schedule !== undefined && evaluateSchedule(schedule, hotline.calendar, facts.nowMs).open;
    const numbers = line.numbers.map(spokenNumber).join(', ');
    return `${numbers.padEnd(16)}${line.name.padEnd(nameWidth + 2)}${open ? 'operators now' : 'voice service now'}`;
  });
}

/** The one screen after the start. Names files that hold secrets, never a secret. */
export function startScreen(facts: ScreenFacts): string {
  const { hotline, sip, apiUrl } = facts;
  const example = hotline.lines[0]?.numbers[0] ?? '';
  const trunks = hotline.trunks.flatMap((trunk) => trunk.addresses).join(', ');
  const operator = hotline.operators[0]?.extension ?? '101';
  const seconds = (facts.startedInMs / 1000).toFixed(1);
  return [
    '',
    `Dozvon is running: started in ${seconds} s, ${dataSentence[facts.data]}. ${facts.programs}`,
    '',
    ...block('Lines', lineRows(facts)),
    ...block('SIP', [`udp ${sip.address}:${sip.port}; calls to the lines come from the trunk's address (${trunks})`]),
    ...block(
      'Operators',
      hotline.operators.map(
        (one) =>
          `${one.extension}  ${one.name}  (${Object.entries(one.skills)
            .map(([skill, level]) => `${skill} ${level}`)
            .join(', ')})`,
      ),
    ),
    ...block('', [
      `a phone registers as ${operator} at ${sip.address}:${sip.port}; its password is in ${facts.secretsFile}, sipPasswords`,
    ]),
    ...block('API', [
      `${apiUrl}/api/v1, described at ${apiUrl}/docs`,
      `bearer token in ${facts.secretsFile}, apiToken`,
    ]),
    ...block('Test call', [
      `npm run call -- ${dialled(example)} --keys 1; with --call-back he is not answered, and called back`,
    ]),
    ...block('Logs', [facts.logDir]),
    ...block('Stop', ['Ctrl-C here, or "node bin/dozvon down" elsewhere']),
    ...(facts.testing
      ? block('Testing', ['started for testing: a test call may say at which instant the schedule is evaluated (--at)'])
      : []),
    ...facts.warnings.flatMap((warning) => block('Note', [warning])),
    '',
  ].join('\n');
}
