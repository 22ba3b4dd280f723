import fc from 'fast-check';
import t from 'tap';
import { QueueObservations } from '../../src/acd/index.ts';
import type { CallBack } from '../../src/callbacks/index.ts';
import { type ContactEvent, type ContactState, QueueWatch, type TimelineEntry } from '../../src/contact/index.ts';
import { playbackUnderWay } from '../../src/contact/machine/dialogue.ts';
import { asId, type ContactId, type LegId, type OfferId, type OperatorId } from '../../src/foundation/index.ts';
import { Driver, testCallBack } from '../support/contact-rules.ts';

type Queue = 'operator-first' | 'caller-first';

const number = '+79161234567';
const calledLegId = asId<LegId>(`${testCallBack.contactId}.c1`);

function claimed(queueId: Queue, change: Partial<CallBack> = {}, untilMs?: number): ContactEvent {
  const callBack: CallBack = {
    callBackId: testCallBack.callBackId,
    lineId: 'general',
    queueId,
    topic: 'general',
    language: 'ru',
    number,
    placeMs: 1_699_999_000_000,
    wish: { kind: 'soon' },
    createdAtMs: 1_699_999_500_000,
    state: 'claimed',
    promisedBy: asId<ContactId>('c0'),
    contactId: testCallBack.contactId,
    dueAtMs: 1_699_999_900_000,
    promisedDay: '2023-11-14',
    attempts: [],
    ...change,
  };
  return { type: 'callBackClaimed', callBack, ...(untilMs === undefined ? {} : { untilMs }) };
}

const offer = (n: number, devices = [`PJSIP/10${n}`]): ContactEvent => ({
  type: 'offerMade',
  offerId: asId<OfferId>(`o${n}`),
  operatorId: asId<OperatorId>(`operator${n}`),
  extension: `10${n}`,
  devices,
  why: {},
});

const operatorLegs = (state: ContactState) => state.legs.filter((leg) => leg.role === 'operator');
const lastOperatorLeg = (state: ContactState): LegId => operatorLegs(state).at(-1)?.legId ?? asId<LegId>('none');
const seen = { type: 'recovered', nodeId: 'n2', playbacks: [], uncertain: [] } as const;

/** An operator has answered and the caller's phone rings. */
function operatorHears(): Driver {
  const driver = new Driver(testCallBack).feed(claimed('operator-first')).feed(offer(1));
  driver.feed({ type: 'legAnswered', legId: lastOperatorLeg(driver.state) });
  driver.feed({ type: 'offerConfirmed', offerId: asId<OfferId>('o1') });
  return driver.feed({ type: 'attemptBegun', attempt: 1 });
}

/** An operator is kept and the caller's phone rings. */
function operatorKept(): Driver {
  const driver = new Driver(testCallBack).feed(claimed('caller-first')).feed(offer(1));
  return driver.feed({ type: 'attemptBegun', attempt: 1 });
}

function recordingRuns(driver: Driver): Driver {
  const { recording } = driver.state;
  if (recording === undefined) throw new Error('expected a recording');
  const spoolFile = '/spool/one.sln';
  driver.feed({ type: 'recordingOpened', recordingId: recording.recordingId, spoolFile });
  return driver.feed({ type: 'legReturned', legId: calledLegId, spoolFile });
}

t.test('a contact that calls somebody back asks whether it may before it is anything', async (t) => {
  const driver = new Driver(testCallBack);
  t.same(driver.effects, [{ type: 'claimCallBack', callBackId: 'cb1' }]);
  t.same(driver.kinds(), []);
  driver.feed({ type: 'callBackNotClaimed' });
  t.same(driver.effectTypes(), ['finish'], 'no record');
  t.same(driver.kinds(), [], 'no trace');
  t.same(new Driver(testCallBack).feed({ ...seen, legs: [] }).kinds(), [], 'nor after a restart');
  const lost = new Driver(testCallBack).feed({ type: 'effectFailed', effect: 'claimCallBack', why: 'FAILED' });
  t.same(lost.effectTypes(), ['postponeCallBack', 'finish'], 'it may have been claimed all the same');
});

t.test('claimed, it waits by the place it earned, as a call-back', async (t) => {
  const driver = new Driver(testCallBack).feed(claimed('operator-first'));
  t.same(driver.effectTypes(), ['putRecord', 'enqueue']);
  t.match(driver.effects.at(-1), { enqueuedAtMs: 1_699_999_000_000, kind: 'callBack', keepsPlace: true });
  t.match(driver.state.facts, { ani: number, kind: 'callBack', dnis: '+78001000001', trunk: 'carrier' });
  driver.feed({ ...seen, legs: [] });
  t.same(driver.effectTypes(), ['enqueue']);
  t.match(driver.effects[0], { kind: 'callBack' });
});

t.test('operator first: written down, then dialled, then recorded, then joined', async (t) => {
  const driver = new Driver(testCallBack).feed(claimed('operator-first')).feed(offer(1));
  t.same(driver.effectTypes(), ['originate']);
  driver.feed({ type: 'legAnswered', legId: lastOperatorLeg(driver.state) });
  t.same(driver.effectTypes(), ['offerAnswered']);
  driver.feed({ type: 'offerConfirmed', offerId: asId<OfferId>('o1') });
  t.same(driver.effectTypes(), ['joinBridge', 'playToBridge', 'beginAttempt']);
  driver.feed({ type: 'attemptBegun', attempt: 1 });
  t.match(driver.effects, [
    {
      type: 'dialCaller',
      legId: calledLegId,
      number,
      trunk: 'carrier',
      ringTimeoutMs: 10_000,
      recogniseMachines: true,
    },
  ]);
  t.equal((driver.state.timers.dial ?? 0) - driver.nowMs, 20_000, 'ringing, listening, and the way there');
  driver.feed({ type: 'legAnswered', legId: calledLegId, heard: 'human' });
  t.same(driver.effectTypes(), ['openRecording']);
  recordingRuns(driver);
  t.same(driver.effectTypes(), ['joinBridge', 'destroyBridge', 'endAttempt', 'playToLeg']);
  t.match(driver.effects[0], { kind: 'mixing', legIds: [lastOperatorLeg(driver.state), calledLegId] });
  t.match(driver.effects[3], {
    legId: calledLegId,
    media: ['ru/call-back-greeting-short', 'ru/recording-notice-short'],
  });
  t.match(driver.state, { phase: { name: 'talking' }, facts: { outcome: 'answeredByOperator' } });
});

t.test('caller first: the operator who was kept is rung when a human has answered', async (t) => {
  const driver = operatorKept();
  t.same(operatorLegs(driver.state), []);
  driver.feed({ type: 'legAnswered', legId: calledLegId, heard: 'unsure' });
  recordingRuns(driver);
  t.same(driver.effectTypes(), ['joinBridge', 'playToBridge', 'originate']);
  t.match(driver.effects[0], { kind: 'holding', legIds: [calledLegId] });
  driver.feed({ type: 'legAnswered', legId: lastOperatorLeg(driver.state) });
  driver.feed({ type: 'offerConfirmed', offerId: asId<OfferId>('o1') });
  t.same(driver.effectTypes(), ['markRecording', 'joinBridge', 'destroyBridge', 'endAttempt']);
});

t.test('a recording that does not start keeps nobody waiting', async (t) => {
  const driver = operatorHears()
    .feed({ type: 'legAnswered', legId: calledLegId, heard: 'human' })
    .fire('recordingStart');
  t.equal(driver.state.phase.name, 'talking');
  t.ok(driver.kinds().includes('recordingFailed'));
  t.match(
    driver.effects.at(-1),
    { type: 'playToLeg', media: ['ru/call-back-greeting-short'] },
    'nor says that it does',
  );
});

t.test(
  'what the caller hears of a call-back is not said again after a restart, unless Asterisk has not heard of it',
  async (t) => {
    const driver = recordingRuns(operatorHears().feed({ type: 'legAnswered', legId: calledLegId, heard: 'human' }));
    const playback = playbackUnderWay(driver.state.phase);
    if (playback === undefined) return t.fail('expected something to be said');
    driver.feed({ type: 'playbackEnded', playbackId: playback, outcome: 'played' });
    t.equal(playbackUnderWay(driver.state.phase), undefined);
  },
);

t.test('that the caller’s phone was answered may be told twice: nobody is hung up on', async (t) => {
  const again: ContactEvent = { type: 'legAnswered', legId: calledLegId, heard: 'human' };
  const talking = recordingRuns(operatorHears().feed(again));
  t.same(talking.feed(again).effects, []);
  const waiting = recordingRuns(operatorKept().feed(again));
  t.equal(waiting.feed(again).state.phase.name, 'queued');
  t.same(waiting.effects, []);
  waiting.feed({ type: 'legAnswered', legId: lastOperatorLeg(waiting.state) });
  t.equal(waiting.feed(again).state.phase.name, 'joining');
  t.same(waiting.effects, []);
});

t.test('a machine or silence is hung up on at once', async (t) => {
  for (const heard of ['machine', 'silence'] as const) {
    const driver = operatorHears().feed({ type: 'legAnswered', legId: calledLegId, heard });
    t.same(driver.effectTypes(), ['endAttempt', 'hangup', 'stopPlayback', 'playToBridge']);
    t.match(driver.effects[0], { outcome: heard });
  }
  const kept = operatorKept().feed({ type: 'legAnswered', legId: calledLegId, heard: 'machine' });
  t.same(kept.effectTypes().slice(0, 3), ['endAttempt', 'hangup', 'withdraw']);
});

t.test('the operator is told that nobody was reached, for three seconds at most, and has no wrap-up', async (t) => {
  const driver = operatorHears().feed({ type: 'legEnded', legId: calledLegId, cause: 'busy' });
  t.match(driver.effects[0], { type: 'endAttempt', outcome: 'busy' });
  t.equal((driver.state.timers.dial ?? 0) - driver.nowMs, 3_000);
  driver.fire('dial');
  t.match(driver.effects[0], { type: 'release', operatorId: 'operator1', wrapUp: false });
  driver.feed({ type: 'legEnded', legId: lastOperatorLeg(driver.state), cause: 'normal' });
  t.same(driver.effectTypes(), ['putRecord', 'finish']);
  t.match(driver.state.facts, { outcome: 'callBackNotReached', endedBy: 'service' });
});

t.test('what is not known of a call is unknown, and is not repeated', async (t) => {
  const lost = operatorHears();
  lost.feed({
    ...seen,
    uncertain: ['dialCaller'],
    legs: [{ legId: lastOperatorLeg(lost.state), controlled: true, up: true }],
  });
  t.match(
    lost.effects.find(({ type }) => type === 'endAttempt'),
    { outcome: 'unknown' },
  );
  t.notOk(lost.effectTypes().includes('dialCaller'));
  const shown = operatorHears();
  const legs = [lastOperatorLeg(shown.state), calledLegId].map((legId) => ({ legId, controlled: true, up: true }));
  shown.feed({ ...seen, uncertain: ['dialCaller'], legs: legs.map((leg) => ({ ...leg, heard: 'human' })) });
  t.same(shown.effectTypes(), ['joinBridge', 'openRecording'], 'he answered meanwhile');
  const timedOut = operatorHears().feed({
    type: 'effectFailed',
    effect: 'dialCaller',
    why: 'FAILED',
    legId: calledLegId,
  });
  t.match(timedOut.effects[0], { type: 'endAttempt', outcome: 'unknown' });
  const refused = operatorHears().feed({
    type: 'effectFailed',
    effect: 'dialCaller',
    why: 'refused',
    legId: calledLegId,
  });
  t.match(refused.effects[0], { type: 'endAttempt', outcome: 'unreachable' });
});

t.test('an attempt that may not be made, or is no longer this contact’s, dials nobody', async (t) => {
  for (const [why, outcome] of [
    ['mayNotDial', 'callBackPostponed'],
    ['notClaimed', 'callBackNotNeeded'],
  ] as const) {
    const driver = new Driver(testCallBack).feed(claimed('caller-first')).feed(offer(1));
    driver.feed({ type: 'attemptRefused', why });
    t.equal(driver.state.facts.outcome, outcome);
    t.same(driver.effectTypes(), ['withdraw', 'putRecord', 'finish'], 'the room knows of itself how it stands');
  }
  const unknown = new Driver(testCallBack).feed(claimed('caller-first')).feed(offer(1));
  unknown.feed({ type: 'effectFailed', effect: 'beginAttempt', why: 'DATABASE_UNAVAILABLE' });
  t.same(unknown.effectTypes().slice(0, 2), ['endAttempt', 'postponeCallBack'], 'one of the two gives it back');
});

t.test('a queue that has taken back the operator who was kept: nobody is dialled without one', async (t) => {
  const driver = new Driver(testCallBack).feed(claimed('caller-first')).feed(offer(1));
  driver.feed({ type: 'offerWithdrawn', offerId: asId<OfferId>('o1'), reason: 'operatorGone' });
  driver.feed({ type: 'attemptBegun', attempt: 1 });
  t.notOk(driver.effectTypes().includes('dialCaller'));
  t.match(driver.effects[0], { type: 'endAttempt', outcome: 'operatorGone' });
});

t.test('a caller whose operator is gone when he answers waits as any other, by the place he earned', async (t) => {
  const driver = operatorKept().feed({ type: 'offerWithdrawn', offerId: asId<OfferId>('o1'), reason: 'operatorGone' });
  driver.feed({ type: 'legAnswered', legId: calledLegId, heard: 'human' });
  recordingRuns(driver);
  t.equal(driver.state.phase.name, 'queued');
  driver.fire('live');
  t.same(driver.effectTypes(), ['withdraw', 'enqueue']);
  t.match(driver.effects[1], { enqueuedAtMs: 1_699_999_000_000, keepsPlace: true });
  t.notOk('kind' in (driver.effects[1] ?? {}));
  driver.feed({ type: 'legEnded', legId: calledLegId, cause: 'normal' });
  t.match(driver.effects[0], { type: 'endAttempt', outcome: 'operatorGone' });
});

t.test('its hours are over: it waits no more, unless an operator is being rung', async (t) => {
  const driver = new Driver(testCallBack);
  driver.feed(claimed('operator-first', {}, driver.nowMs + 60_000)).feed(offer(1));
  driver.nowMs += 59_000;
  driver.fire('window');
  t.equal(driver.state.phase.name, 'queued');
  driver.feed({ type: 'legEnded', legId: lastOperatorLeg(driver.state), cause: 'busy' });
  t.match(driver.state, { phase: { name: 'closing' }, facts: { outcome: 'callBackPostponed' } });
  t.ok(driver.effectTypes().includes('postponeCallBack'));
});

/** Any event, about things that exist as well as about things that do not. */
function anyEvent(driver: Driver, queueId: Queue): fc.Arbitrary<ContactEvent> {
  const { state } = driver;
  const legId = fc.constantFrom(...state.legs.map((leg) => leg.legId), calledLegId, asId<LegId>('nobody'));
  const offerId = fc.constantFrom(...[1, 2, 3].map((n) => asId<OfferId>(`o${n}`)));
  const { phase } = state;
  const playing = 'playback' in phase && phase.playback !== undefined ? [phase.playback] : [];
  const playbackId = fc.constantFrom(...(playing as string[]), 'stale') as fc.Arbitrary<never>;
  const timers = Object.entries(state.timers) as [keyof ContactState['timers'], number][];
  const recordingId = state.recording?.recordingId ?? asId<never>('r0');
  const causes = ['normal', 'busy', 'declined', 'noAnswer', 'unreachable', 'cancelled', 'failure'] as const;
  return fc.oneof(
    fc.constant(claimed(queueId, {}, driver.nowMs + 30_000)),
    fc.constantFrom<ContactEvent>(
      { type: 'callBackNotClaimed' },
      { type: 'attemptBegun', attempt: 1 },
      { type: 'attemptBegun', attempt: 1 },
      { type: 'attemptRefused', why: 'mayNotDial' },
      { type: 'contactWithdrawn' },
      { type: 'contactMoved', queueId: 'overflow' },
      { type: 'queueRefused', queueId, limit: 'length' },
      { type: 'placeKnown', position: 1 },
      { type: 'recordingClosed', recordingId, state: 'verified', durationMs: 1 },
      { type: 'digit', legId: calledLegId, digit: '1' },
    ),
    fc.constant<ContactEvent>({ type: 'recordingOpened', recordingId, spoolFile: '/spool/one.sln' }),
    legId.map((id): ContactEvent => ({ type: 'legReturned', legId: id, spoolFile: '/spool/one.sln' })),
    legId.map((id): ContactEvent => ({ type: 'legRinging', legId: id })),
    fc
      .tuple(legId, fc.constantFrom('human', 'machine', 'silence', 'unsure' as const))
      .map(([id, heard]): ContactEvent => ({ type: 'legAnswered', legId: id, heard: heard as 'human' })),
    fc
      .tuple(legId, fc.constantFrom(...causes))
      .map(([id, cause]): ContactEvent => ({ type: 'legEnded', legId: id, cause })),
    playbackId.map((id): ContactEvent => ({ type: 'playbackEnded', playbackId: id, outcome: 'played' })),
    fc.constantFrom(1, 2, 3).map((n) => offer(n, n === 3 ? [] : [`PJSIP/10${n}/a`, `PJSIP/10${n}/b`])),
    offerId.map((id): ContactEvent => ({ type: 'offerWithdrawn', offerId: id, reason: 'leaseExpired' })),
    offerId.map((id): ContactEvent => ({ type: 'offerConfirmed', offerId: id })),
    offerId.map((id): ContactEvent => ({ type: 'offerStale', offerId: id })),
    fc
      .constantFrom(
        'enqueue',
        'joinBridge',
        'openRecording',
        'dialCaller',
        'beginAttempt',
        'claimCallBack',
        'playToBridge',
      )
      .map((effect): ContactEvent => ({ type: 'effectFailed', effect: effect as 'enqueue', why: 'refused' })),
    ...(timers.length > 0
      ? [fc.constantFrom(...timers).map(([timerId, dueMs]): ContactEvent => ({ type: 'timerFired', timerId, dueMs }))]
      : []),
    fc.boolean().map(
      (isCallerThere): ContactEvent => ({
        ...seen,
        legs: state.legs
          .filter((leg) => leg.state !== 'ended' && (isCallerThere || leg.role !== 'caller'))
          .map((leg) => ({ legId: leg.legId, controlled: true, up: leg.state === 'up' })),
        uncertain: ['dialCaller'],
      }),
    ),
  );
}

/** What the contact waits for. */
function onward(driver: Driver, queueId: Queue): ContactEvent {
  const { phase, recording } = driver.state;
  const spoolFile = '/spool/one.sln';
  switch (phase.name) {
    case 'claiming':
      return claimed(queueId);
    case 'queued':
      if (phase.offer === undefined) return offer(1);
      return { type: 'legAnswered', legId: lastOperatorLeg(driver.state) };
    case 'joining':
      return { type: 'offerConfirmed', offerId: phase.offer.offerId };
    case 'dialling':
      if (phase.step === 'writingDown') return { type: 'attemptBegun', attempt: 1 };
      if (phase.step === 'ringing') return { type: 'legAnswered', legId: calledLegId, heard: 'human' };
      if (recording?.state !== 'opening') return { type: 'legReturned', legId: calledLegId, spoolFile };
      return { type: 'recordingOpened', recordingId: recording.recordingId, spoolFile };
    default:
      return { type: 'legEnded', legId: lastOperatorLeg(driver.state), cause: 'normal' };
  }
}

t.test('any order of events: nobody is dialled twice or unasked, and everything is given back', async (t) => {
  let dialled = 0;
  let joined = 0;
  const queues = fc.constantFrom<Queue>('operator-first', 'caller-first');
  const property = fc.property(fc.infiniteStream(fc.nat()), queues, (seeds, queueId) => {
    const driver = new Driver(testCallBack);
    let mayDial = false;
    for (let count = 0; count < 40; count += 1) {
      const seed = seeds.next().value as number;
      // Every other event is what is waited for, so that the walks come far.
      const [event] =
        seed % 2 === 0 ? [onward(driver, queueId)] : fc.sample(anyEvent(driver, queueId), { numRuns: 1, seed });
      if (!event) throw new Error('expected an event');
      driver.nowMs += seed % 3_000;
      driver.feed(event);
      mayDial ||= event.type === 'attemptBegun';
      check(driver, mayDial);
    }
    finish(driver);
    if (driver.all.some(({ type }) => type === 'dialCaller')) dialled += 1;
    if (driver.kinds().includes('joined')) joined += 1;
  });
  const details = fc.check(property, { numRuns: 1_500 });
  t.comment(`seed ${details.seed}, ${details.numRuns} walks, ${dialled} dialled, ${joined} joined`);
  t.notOk(details.failed, fc.defaultReportMessage(details) ?? '');
  t.ok(joined > 20, 'the walks come far enough');
});

function check(driver: Driver, mayDial: boolean): void {
  const { state, all } = driver;
  const dials = all.filter(({ type }) => type === 'dialCaller');
  if (dials.length > 1) throw new Error('dialled twice');
  if (dials.length > 0 && !mayDial) throw new Error('dialled before the attempt was written down');
  const liveOffers = new Set(
    operatorLegs(state)
      .filter((leg) => ['starting', 'ringing', 'up'].includes(leg.state))
      .map((leg) => leg.offerId),
  );
  if (liveOffers.size > 1) throw new Error(`more than one live offer: ${[...liveOffers].join()}`);
  const places = all.flatMap((effect) => (effect.type === 'enqueue' ? [effect.enqueuedAtMs] : []));
  if (new Set(places).size > 1) throw new Error('another place than the one it earned');
  const { phase } = state;
  const isBounded = Object.keys(state.timers).length > 0;
  if (phase.name === 'dialling' && !isBounded) throw new Error(`nothing bounds the step ${phase.step}`);
}

/** Everybody leaves and everything asked for happens: nothing may be left, and the room of call-backs knows. */
function finish(driver: Driver): void {
  for (let count = 0; count < 20 && !isFinished(driver); count += 1) driver.feed(leaving(driver));
  if (!isFinished(driver)) throw new Error(`not finished: ${JSON.stringify(driver.state.phase)}`);
  const { all, state } = driver;
  const made = new Set(all.flatMap((effect) => (effect.type === 'joinBridge' ? [effect.bridgeId] : [])));
  for (const effect of all) if (effect.type === 'destroyBridge') made.delete(effect.bridgeId);
  if (made.size > 0) throw new Error(`bridges left: ${[...made].join()}`);
  const stage = state.callBack?.stage;
  if (stage !== 'settled' && stage !== 'refused') throw new Error(`the call-back is left ${stage}`);
  const types = all.map(({ type }) => type);
  if (types.filter((type) => type === 'endAttempt').length > 1) throw new Error('an attempt ended twice');
  if (types.includes('dialCaller') && !types.includes('endAttempt')) throw new Error('an attempt without an end');
  if (!types.includes('enqueue')) return;
  const lastEntry = types.lastIndexOf('enqueue');
  const isOut = types.lastIndexOf('withdraw') > lastEntry || types.lastIndexOf('release') > lastEntry;
  if (!isOut) throw new Error('still in the queue');
}

const isFinished = ({ all }: Driver): boolean => all.some(({ type }) => type === 'finish');

function leaving(driver: Driver): ContactEvent {
  const { phase, legs, recording } = driver.state;
  const leg = legs.find(({ state }) => state !== 'ended');
  if (phase.name === 'claiming') return { type: 'callBackNotClaimed' };
  if (leg !== undefined) return { type: 'legEnded', legId: leg.legId, cause: 'normal' };
  if (phase.name === 'dialling') return { type: 'attemptRefused', why: 'notClaimed' };
  if (phase.name !== 'closing') return { type: 'contactWithdrawn' };
  if (phase.wrapUp !== undefined) return { type: 'wrapUpOver', operatorId: phase.wrapUp.operatorId };
  return {
    type: 'recordingClosed',
    recordingId: recording?.recordingId ?? asId<never>('r0'),
    state: 'verified',
    durationMs: 1,
  };
}

t.test('call-backs are no arrivals and no waits; the time they take an operator counts', async (t) => {
  const observations = new QueueObservations(0);
  const watch = new QueueWatch(observations, () => true);
  const entries: readonly (readonly [number, string, TimelineEntry['facts']?])[] = [
    [0, 'callBackQueued', { queueId: 'told' }],
    [600, 'joined'],
    [700, 'ended', { outcome: 'answeredByOperator' }],
    [720, 'wrapUpEnded'],
  ];
  for (const [seconds, kind, facts = {}] of entries) {
    const contactId = asId<ContactId>('c1');
    watch.take({ source: 'contact', contactId, entry: { atMs: seconds * 1_000, kind, facts } });
  }
  const expected = { handlingMs: 100_000, meanPatienceMs: 60_000 };
  const now = observations.of('told', { nowMs: 900_000, expected });
  t.equal(now.handlingMs, (10 * 100_000 + 120_000) / 11);
  t.equal(now.arrivalsPerHour, 0);
  t.equal(now.meanPatienceMs, 60_000);
});
