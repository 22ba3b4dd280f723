/** What the API answers, as far as the screen shows it. */
export interface ShownLevels {
  readonly at: string;
  readonly windows: readonly { readonly minutes: number; readonly items: readonly ShownLevel[] }[];
  readonly queues: readonly {
    readonly queueId: string;
    readonly name: string;
    readonly waiting: number;
    readonly longestWaitMs: number;
    readonly readyOperators: number;
    readonly forecast?: {
      readonly expectedShare: number;
      readonly operators: number;
      readonly operatorsNeeded: number;
    };
  }[];
  readonly alarms: readonly { readonly alarmId: string; readonly about: string; readonly since: string }[];
}

interface ShownLevel {
  readonly lineId?: string;
  readonly queueId?: string;
  readonly figures: {
    readonly entered: number;
    readonly averageSpeedOfAnswerMs?: number;
    readonly abandonedShare?: number;
    readonly serviceLevels: readonly { readonly withinMs: number; readonly ofEntered?: number }[];
  };
}

export interface ShownTargets {
  readonly items: readonly {
    readonly from: string;
    readonly targets: readonly {
      readonly target: string;
      readonly comparison: 'atMost' | 'atLeast';
      readonly value: number;
      readonly figure?: number;
      readonly contacts: number;
      readonly state: 'met' | 'missed' | 'tooFew' | 'noData';
    }[];
  }[];
}

const barWidth = 10;
const nameWidth = 36;
/** The longest time within which an answer counts: what is promised. */
const promised = 1;

/** One screen: a bar for the share answered as promised, of all who entered, in the last minutes. */
export function levelsScreen(now: ShownLevels, today: ShownTargets): string {
  const windows = now.windows.map(({ minutes }) => `last ${minutes} min`.padEnd(barWidth + 14)).join('');
  const named = now.queues.map(({ queueId, name }) => row(name, now, (item) => item.queueId === queueId, queueId));
  const lines = [...new Set(now.windows.flatMap(({ items }) => items.flatMap(({ lineId }) => lineId ?? [])))].sort();
  return [
    `Answered within two minutes, of all who entered a queue (${timeOf(now.at)})`,
    '',
    `  ${'queue'.padEnd(nameWidth)}${windows}waiting  longest  free  in the next minutes`,
    row('all', now, ({ lineId, queueId }) => lineId === undefined && queueId === undefined),
    ...named,
    '',
    ...lines.map((lineId) => row(`line ${lineId}`, now, (item) => item.lineId === lineId)),
    ...(lines.length === 0 ? [] : ['']),
    ...targetRows(today),
    ...now.alarms.map(({ alarmId, since }) => `  ALARM since ${timeOf(since)}: ${alarmId}`),
  ].join('\n');
}

function row(name: string, now: ShownLevels, isOwn: (item: ShownLevel) => boolean, queueId?: string): string {
  const cells = now.windows.map(({ items }) => cell(items.find(isOwn))).join('');
  const title = name.length > nameWidth - 2 ? `${name.slice(0, nameWidth - 3)}…` : name;
  const queue = now.queues.find((one) => one.queueId === queueId);
  return `  ${title.padEnd(nameWidth)}${cells}${queue === undefined ? '' : queueCells(queue)}`.trimEnd();
}

function cell(item: ShownLevel | undefined): string {
  const share = item?.figures.serviceLevels[promised]?.ofEntered;
  if (item === undefined || share === undefined) return `${'·'.repeat(barWidth)}${' '.repeat(14)}`;
  return `${bar(share)} ${percent(share).padStart(4)} ${`of ${item.figures.entered}`.padEnd(8)}`;
}

export function bar(share: number): string {
  const full = Math.round(share * barWidth);
  return '█'.repeat(full) + '░'.repeat(barWidth - full);
}

function queueCells({ waiting, longestWaitMs, readyOperators, forecast }: ShownLevels['queues'][number]): string {
  const longest = waiting === 0 ? '' : clockTime(longestWaitMs);
  const cells = `${String(waiting).padStart(7)}  ${longest.padStart(7)}  ${String(readyOperators).padStart(4)}  `;
  if (forecast === undefined) return cells;
  const { expectedShare, operators, operatorsNeeded } = forecast;
  const wanted = operatorsNeeded > operators ? `, ${operatorsNeeded} operators needed, ${operators} there` : '';
  return `${cells}${percent(expectedShare)}${wanted}`;
}

const units: Readonly<Record<string, (value: number) => string>> = {
  averageSpeedOfAnswer: seconds,
  escalationAnswer: seconds,
  chatAcceptance: seconds,
  satisfaction: (value) => value.toFixed(1),
};

function targetRows({ items }: ShownTargets): readonly string[] {
  const today = items.at(-1);
  if (today === undefined) return [];
  const rows = today.targets
    .filter(({ state }) => state !== 'noData')
    .map(({ target, comparison, value, figure, contacts, state }) => {
      const told = units[target] ?? percent;
      const wanted = `${comparison === 'atMost' ? '≤' : '≥'} ${told(value)}`;
      const found = figure === undefined ? '–' : told(figure);
      return `  ${target.padEnd(nameWidth)}${wanted.padEnd(12)}${found.padEnd(10)}${state} (${contacts} contacts)`;
    });
  return rows.length === 0 ? [] : [`Targets, since ${today.from.slice(11, 16)} on the wall of the lines`, '', ...rows];
}

/** Never rounded up to the whole: 99.96 % is not all. */
function percent(share: number): string {
  return `${Math.floor(share * 100 + 1e-9)}%`;
}

function seconds(ms: number): string {
  return ms >= 600_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 1_000).toFixed(1)} s`;
}

function clockTime(ms: number): string {
  const whole = Math.floor(ms / 1_000);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** On the wall of this machine. */
function timeOf(instant: string): string {
  return new Date(instant).toTimeString().slice(0, 8);
}
