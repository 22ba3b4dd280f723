import t from 'tap';
import { busySeconds, completedIn, failures, gaps } from '../../bench/dispatch/figures.ts';
import { callerCalls, parseMessage, phoneCalls } from '../../bench/dispatch/messages.ts';
import { median, quantile } from '../../bench/measure/figures.ts';

const startMs = 1_795_300_931_000;

/** A line as SIPp writes it, `ms` after `startMs`. */
function line(ms: number, way: 'S' | 'R', callId: string, rest: string): string {
  return `2026-11-21\t22:42:11.211842\t${((startMs + ms) / 1_000).toFixed(6)}\t${way}\t${callId}\t${rest}`;
}

const parsed = (lines: readonly string[]) => lines.flatMap((text) => parseMessage(text) ?? []);

const phoneLines = (callId: string, extension: string, at: readonly [number, number, number]): string[] => [
  line(at[0], 'R', callId, `CSeq:17 INVITE\tINVITE sip:${extension}@127.1.1.9:23615 SIP/2.0`),
  line(at[0], 'S', callId, 'CSeq:17 INVITE\tSIP/2.0 200 OK'),
  line(at[1], 'R', callId, `CSeq:17 ACK\tACK sip:${extension}@127.1.1.9:23615 SIP/2.0`),
  line(at[2], 'S', callId, 'CSeq:1 BYE\tBYE sip:asterisk@127.1.1.1:5060 SIP/2.0'),
];
const callerLines = (callId: string, at: readonly [number, number]): string[] => [
  line(at[0], 'S', callId, 'CSeq:1 INVITE\tINVITE sip:88001000001@127.1.1.1:5060 SIP/2.0'),
  line(at[0] + 5, 'R', callId, 'CSeq:1 INVITE\tSIP/2.0 100 Trying'),
  line(at[1], 'R', callId, 'CSeq:1 INVITE\tSIP/2.0 200 OK'),
];

void t.test('the gap is measured where a caller was waiting, and only there', async (t) => {
  const phones = phoneCalls(
    parsed([
      ...phoneLines('p1', '201', [1_000, 1_010, 2_010]),
      ...phoneLines('p2', '201', [2_025, 2_030, 3_030]),
      ...phoneLines('p3', '201', [9_000, 9_010, 10_010]),
    ]),
  );
  // Two are there when the first conversation ends; the third comes long after the second has ended.
  const callers = callerCalls(
    parsed([...callerLines('c1', [900, 950]), ...callerLines('c2', [900, 950]), ...callerLines('c3', [8_900, 8_950])]),
  );
  const window = { fromMs: startMs, toMs: startMs + 20_000 };
  t.same(gaps(phones, callers, window).map(Math.round), [15]);
  t.equal(completedIn(phones, window).length, 3);
  const busy = busySeconds(completedIn(phones, window));
  t.equal(Math.round(busy.talk * 1_000), 1_000);
  t.equal(Math.round(busy.setUp * 10_000), 83);
  t.equal(failures(phones, callers, { talkMs: 1_000, untilMs: window.toMs }), 0);
});

void t.test('a refusal, a caller sent away and a call taken back are failures', async (t) => {
  const callers = callerCalls(
    parsed([
      ...callerLines('c1', [100, 150]),
      line(400, 'R', 'c1', 'CSeq:9 BYE\tBYE sip:x@127.1.1.2 SIP/2.0'),
      line(200, 'S', 'c2', 'CSeq:1 INVITE\tINVITE sip:88001000001@127.1.1.1 SIP/2.0'),
      line(210, 'R', 'c2', 'CSeq:1 INVITE\tSIP/2.0 503 Service Unavailable'),
    ]),
  );
  const phones = phoneCalls(
    parsed([
      line(300, 'R', 'p1', 'CSeq:1 INVITE\tINVITE sip:201@127.1.1.9 SIP/2.0'),
      line(350, 'R', 'p1', 'CSeq:1 CANCEL\tCANCEL sip:201@127.1.1.9 SIP/2.0'),
    ]),
  );
  const options = { talkMs: 1_000, untilMs: startMs + 20_000 };
  t.equal(failures([], callers, options), 2);
  t.equal(failures(phones, [], options), 1);
  t.equal(failures(phones, callers, { ...options, untilMs: startMs + 50 }), 0, 'what comes afterwards does not count');
});

void t.test('quantiles are values that were measured', async (t) => {
  t.equal(quantile([5, 1, 4, 2, 3], 0.99), 5);
  t.equal(quantile([5, 1, 4, 2, 3], 0.5), 3);
  t.equal(median([4, 1, 3, 2]), 2.5);
});
