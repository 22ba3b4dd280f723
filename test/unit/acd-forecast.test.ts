import t from 'tap';
import { type OperatorView, queueForecasts, requirementClass, shareInTime } from '../../src/acd/index.ts';
import { asId, hourMs, minuteMs, type OperatorId, secondMs } from '../../src/foundation/index.ts';

const share = 0.8;
const ahead = {
  arrivalsPerHour: 4_000,
  handlingMs: 3 * minuteMs,
  meanPatienceMs: 2 * minuteMs,
  operators: 200,
  contacts: 200,
  aheadMs: 15 * minuteMs,
  withinMs: 2 * minuteMs,
};

const operator = (id: string, queueIds: readonly string[]): OperatorView => ({
  operatorId: asId<OperatorId>(id),
  extension: id,
  skills: Object.fromEntries(queueIds.map((queueId) => [queueId, 5])),
  capacity: { voice: 1 },
  held: {},
  signedIn: true,
  presence: 'ready',
  reachable: true,
  work: { voice: 'connected' },
  outsideCall: false,
  missedOffers: 0,
  contactsTaken: 0,
});

/** The longest this thread has computed without letting others in, in milliseconds: its own time, whatever else the machine does. */
async function longestStretchMs(work: (breathe: () => Promise<void>) => Promise<unknown>): Promise<number> {
  let longest = 0;
  let beganAt = process.threadCpuUsage();
  const stretch = (): void => {
    const { user, system } = process.threadCpuUsage(beganAt);
    longest = Math.max(longest, (user + system) / 1_000);
    beganAt = process.threadCpuUsage();
  };
  await work(async () => {
    stretch();
    await new Promise((resolve) => setImmediate(resolve));
    beganAt = process.threadCpuUsage();
  });
  stretch();
  return longest;
}

t.test('200 operators and ten queues in a rush: others are let in every 20 ms', async (t) => {
  const queueIds = Array.from({ length: 10 }, (_, i) => `queue${i}`);
  const operators = Array.from({ length: 200 }, (_, i) =>
    // Every other one serves all queues, the rest two each.
    operator(`${1_000 + i}`, i % 2 === 0 ? queueIds : [`queue${i % 10}`, `queue${(i + 1) % 10}`]),
  );
  const queues = queueIds.map((queueId, i) => ({
    queueId,
    arrivalsPerHour: 400 + 50 * i,
    handlingMs: 3 * minuteMs,
    meanPatienceMs: 2 * minuteMs,
    waiting: 10 * i,
    requirements: [requirementClass(`${queueId} >= 1`, 'longestIdle')],
    openForMs: hourMs,
  }));
  const situation = { queues, operators, aheadMs: 15 * minuteMs, share };
  const longestMs = await longestStretchMs(async (breathe) => {
    const forecasts = await queueForecasts(situation, breathe);
    t.ok(
      forecasts.some(({ operators: there, operatorsNeeded }) => operatorsNeeded > there),
      'it is a rush',
    );
  });
  t.ok(longestMs < 20, `${longestMs.toFixed(1)} ms`);
});

t.test('what is looked at is bounded, however short the times and long the queue', async (t) => {
  const extremes = [
    { ...ahead, handlingMs: secondMs, arrivalsPerHour: 800_000 },
    { ...ahead, meanPatienceMs: secondMs },
    { ...ahead, contacts: 100_000 },
    { ...ahead, operators: 2_000, contacts: 2_000, arrivalsPerHour: 60_000 },
    { ...ahead, aheadMs: 24 * hourMs },
  ];
  for (const extreme of extremes) {
    let found = Number.NaN;
    const tookMs = await longestStretchMs(async () => {
      found = shareInTime(extreme);
    });
    t.ok(found >= 0 && found <= 1, `${found}`);
    // On a machine whose other core computes as well.
    t.ok(tookMs < 50, `${tookMs.toFixed(1)} ms`);
  }
});

t.test('operators who have no place for a conversation serve nobody', async (t) => {
  const queue = {
    queueId: 'general',
    arrivalsPerHour: 60,
    handlingMs: 3 * minuteMs,
    meanPatienceMs: 2 * minuteMs,
    waiting: 0,
    requirements: [requirementClass('general >= 1', 'longestIdle')],
    openForMs: hourMs,
  };
  const [speaks, writes, calls] = ['1', '2', '3'].map((id) => operator(id, ['general']));
  if (speaks === undefined || writes === undefined || calls === undefined) return t.fail();
  const operators = [speaks, { ...writes, capacity: { chat: 3 } }, { ...calls, outsideCall: true }];
  const [forecast] = await queueForecasts({ queues: [queue], operators, aheadMs: 15 * minuteMs, share: 0.01 });
  t.equal(forecast?.operators, 2, 'who is in a call of his own is on duty, and busy');
});
