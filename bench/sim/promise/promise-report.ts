import { secondMs } from '../../../src/foundation/index.ts';
import { columns, machine } from '../report.ts';
import type { PromiseResult } from './promise-run.ts';

/** The result as tables for people. */
export function promiseReport(result: PromiseResult): string {
  const shares = result.loads.map((row, i) => {
    const details = result.details[i];
    return [
      details?.id ?? String(row.load),
      String(row.contacts),
      percent(row.concludedBy120s),
      percent(row.answeredBy120s),
      percent(row.peerAnsweredBy120s),
      (row.answeredBy120s / row.peerAnsweredBy120s).toFixed(4),
      `${details?.answeredMore} ± ${details?.answeredMoreHalfWidth}`,
      `${row.averageSpeedOfAnswerS} (${details?.peerAverageSpeedOfAnswerS})`,
    ];
  });
  const promises = result.loads.map((row, i) => {
    const details = result.details[i];
    return [
      details?.id ?? String(row.load),
      `${details?.left}`,
      `${details?.callBacks} (${details?.forToday})`,
      `${details?.requests}`,
      percent(row.promisesKept),
      `${details?.callbackDelayP50S} / ${row.callbackDelayP95S}`,
      String(row.backlogAtEnd),
    ];
  });
  const estimates = result.estimates.map((row) => [
    String(row.operators),
    String(row.load),
    String(row.contacts),
    (row.medianErrorMs / secondMs).toFixed(1),
    (row.p90ErrorMs / secondMs).toFixed(1),
    (row.oracleMedianErrorMs / secondMs).toFixed(1),
    row.ratio.toFixed(3),
  ]);
  return [
    `The two-minute promise, ${result.length} run, seed ${result.seed}`,
    machine(),
    '',
    ...columns(['load', 'contacts', 'concluded', 'answered', 'peer', 'ratio', 'contacts more', 'ASA s (peer)'], shares),
    '',
    ...columns(['load', 'left', 'call-backs (today)', 'requests', 'kept', 'delay p50 / p95 s', 'at closing'], promises),
    '',
    ...columns(['operators', 'load', 'waited', 'error p50 s', 'p90 s', 'oracle p50 s', 'ratio'], estimates),
    '',
    `estimateErrorRatio ${result.estimateErrorRatio.toFixed(3)}, ${result.tookSeconds.toFixed(0)} s in all`,
  ].join('\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
