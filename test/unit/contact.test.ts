import fc from 'fast-check';
import t from 'tap';
import type { ContactEvent, ContactState } from '../../src/contact/index.ts';
import { asId, type LegId, type OfferId, type OperatorId } from '../../src/foundation/index.ts';
import { callerLegId, Driver, quietArrival, testArrival, toldArrival } from '../support/contact-rules.ts';

const offer = (n: number, devices = ['PJSIP/101']): ContactEvent => ({
  type: 'offerMade',
  offerId: asId<OfferId>(`o${n}`),
  operatorId: asId<OperatorId>(`operator${n}`),
  extension: `10${n}`,
  devices,
  why: {},
});

const operatorLegs = (state: ContactState) => state.legs.filter((leg) => leg.role === 'operator');
const lastOperatorLeg = (state: ContactState): LegId => operatorLegs(state).at(-1)?.legId ?? asId<LegId>('none');

/** To a conversation with operator 1. */
function toTalk(driver: Driver): Driver {
  driver.toQueue().feed(offer(1));
  driver.feed({ type: 'legRinging', legId: lastOperatorLeg(driver.state) });
  driver.feed({ type: 'legAnswered', legId: lastOperatorLeg(driver.state) });
  return driver.feed({ type: 'offerConfirmed', offerId: asId<OfferId>('o1') });
}

function endAll(driver: Driver): Driver {
  for (const leg of driver.state.legs) driver.feed({ type: 'legEnded', legId: leg.legId, cause: 'normal' });
  return driver;
}

t.test('the recording is opened before the line is answered and started with the answer', async (t) => {
  const driver = new Driver();
  t.same(driver.effectTypes(), ['openRecording', 'putRecord']);
  const recordingId = driver.state.recording?.recordingId;
  if (!recordingId) throw new Error('expected a recording');
  driver.feed({ type: 'recordingOpened', recordingId, spoolFile: '/spool/one.sln' });
  t.same(driver.effectTypes(), ['answer', 'startRecording']);
  driver.feed({ type: 'legReturned', legId: callerLegId, spoolFile: '/spool/one.sln' });
  t.same(driver.effectTypes(), ['playToLeg', 'keepTime']);
  t.same(driver.kinds(), ['arrived', 'answered', 'recordingStarted', 'promptStarted']);
});

t.test('a recording that does not start costs the caller nothing but its bound', async (t) => {
  const driver = new Driver().fire('recordingStart');
  t.same(driver.effectTypes(), ['answer', 'playToLeg']);
  t.ok(driver.kinds().includes('recordingFailed'));
});

t.test('an unknown number hears one prompt and the line is let go', async (t) => {
  const driver = new Driver({ ...testArrival, arrival: { ...testArrival.arrival, dnis: '+78009999999' } });
  t.same(driver.effectTypes(), ['putRecord', 'answer', 'playToLeg']);
  const phase = driver.state.phase;
  if (phase.name !== 'voice' || phase.playback === undefined) throw new Error('expected a prompt');
  driver.feed({ type: 'playbackEnded', playbackId: phase.playback, outcome: 'played' });
  t.ok(driver.effectTypes().includes('hangup'));
  t.equal(driver.state.facts.outcome, 'unknownNumber');
});

t.test('a key queues the caller: bridge with music, place, welcome', async (t) => {
  const driver = new Driver().toQueue();
  t.same(driver.effectTypes(), ['stopPlayback', 'markRecording', 'joinBridge', 'enqueue', 'playToBridge']);
  t.equal(driver.state.phase.name, 'queued');
});

t.test('where nothing is recorded, waiting is silent and there is no wrap-up, a call needs little', async (t) => {
  const driver = new Driver(quietArrival);
  t.same(driver.effectTypes(), ['putRecord', 'answer', 'enqueue']);
  driver.feed(offer(1)).feed({ type: 'legAnswered', legId: lastOperatorLeg(driver.state) });
  driver.feed({ type: 'offerConfirmed', offerId: asId<OfferId>('o1') });
  t.same(driver.effectTypes(), ['joinBridge']);
  driver.feed({ type: 'legEnded', legId: lastOperatorLeg(driver.state), cause: 'normal' });
  t.same(driver.effectTypes(), ['release', 'hangup', 'destroyBridge']);
  t.match(driver.effects[0], { type: 'release', wrapUp: false });
  driver.feed({ type: 'legEnded', legId: callerLegId, cause: 'normal' });
  t.same(driver.effectTypes(), ['putRecord', 'finish']);
  t.equal(driver.state.facts.wrapUpMs, 0);
});

t.test('a caller who waits in silence stays where he is, after a restart too', async (t) => {
  const driver = new Driver(quietArrival);
  driver.feed({
    type: 'recovered',
    nodeId: 'n2',
    playbacks: [],
    uncertain: [],
    legs: [{ legId: callerLegId, controlled: true, up: true }],
  });
  t.same(driver.effectTypes(), ['enqueue']);
  driver.feed({ type: 'contactWithdrawn' });
  t.same(driver.effectTypes(), ['withdraw', 'playToLeg']);
});

t.test('every device of the operator rings, the first to answer takes the call and the others stop', async (t) => {
  const driver = new Driver().toQueue().feed(offer(1, ['PJSIP/101/a', 'PJSIP/101/b']));
  t.same(driver.effectTypes(), ['originate', 'originate']);
  const [first, second] = operatorLegs(driver.state);
  if (!first || !second) throw new Error('expected two legs');
  driver.feed({ type: 'legAnswered', legId: second.legId });
  t.same(driver.effects, [
    { type: 'hangup', legId: first.legId, cause: 'normal' },
    { type: 'offerAnswered', offerId: 'o1' },
  ]);
  driver.feed({ type: 'offerConfirmed', offerId: asId<OfferId>('o1') });
  t.same(driver.effectTypes(), ['markRecording', 'joinBridge', 'destroyBridge']);
  t.equal(driver.state.phase.name, 'talking');
});

t.test('an operator who does not answer is put aside and the place is kept', async (t) => {
  const driver = new Driver().toQueue();
  const enqueuedAtMs = driver.state.facts.enqueuedAtMs;
  driver.feed(offer(1)).fire('ring');
  t.same(driver.effectTypes(), ['hangup', 'offerFailed']);
  t.match(driver.effects.at(-1), { failure: 'offerUnanswered' });
  const { phase } = driver.state;
  t.match(phase, { name: 'queued', enqueuedAtMs });
  t.notOk('offer' in phase);
});

t.test('a refusal on one device speaks for the operator; a busy one does not while another rings', async (t) => {
  const driver = new Driver().toQueue().feed(offer(1, ['PJSIP/101/a', 'PJSIP/101/b']));
  const [first, second] = operatorLegs(driver.state);
  if (!first || !second) throw new Error('expected two legs');
  driver.feed({ type: 'legEnded', legId: first.legId, cause: 'busy' });
  t.same(driver.effects, []);
  driver.feed({ type: 'legEnded', legId: second.legId, cause: 'declined' });
  t.match(driver.effects.at(-1), { type: 'offerFailed', failure: 'offerDeclined' });
});

t.test('a caller who hangs up while it rings frees the operator at once', async (t) => {
  const driver = new Driver().toQueue().feed(offer(1)).feed({ type: 'legEnded', legId: callerLegId, cause: 'normal' });
  t.ok(driver.effectTypes().indexOf('withdraw') >= 0);
  t.ok(driver.effectTypes().includes('hangup'));
  t.equal(driver.state.facts.outcome, 'abandonedWhileRinging');
});

t.test('a phone picked up in the moment its offer ended is let go', async (t) => {
  const driver = new Driver().toQueue().feed(offer(1));
  const legId = lastOperatorLeg(driver.state);
  driver.feed({ type: 'offerWithdrawn', offerId: asId<OfferId>('o1'), reason: 'leaseExpired' });
  t.same(driver.effects, [{ type: 'hangup', legId, cause: 'normal' }]);
  driver.feed({ type: 'legAnswered', legId });
  t.equal(driver.state.phase.name, 'queued');
});

t.test('a stale offer ends the operator’s leg and the caller keeps waiting', async (t) => {
  const driver = new Driver().toQueue().feed(offer(1));
  driver
    .feed({ type: 'legAnswered', legId: lastOperatorLeg(driver.state) })
    .feed({ type: 'offerStale', offerId: asId<OfferId>('o1') });
  t.same(driver.effectTypes(), ['hangup']);
  t.equal(driver.state.phase.name, 'queued');
});

t.test('either hang-up ends the conversation, wrap-up follows, then the contact is forgotten', async (t) => {
  for (const who of ['caller', 'operator'] as const) {
    const driver = toTalk(new Driver());
    driver.nowMs += 5_000;
    driver.feed({
      type: 'legEnded',
      legId: who === 'caller' ? callerLegId : lastOperatorLeg(driver.state),
      cause: 'normal',
    });
    t.match(
      driver.effects.find((effect) => effect.type === 'release'),
      { wrapUp: true },
    );
    t.equal(driver.state.facts.talkMs, 5_000);
    t.equal(driver.state.facts.endedBy, who);
    endAll(driver);
    const recordingId = driver.state.recording?.recordingId;
    if (!recordingId) throw new Error('expected a recording');
    t.equal(driver.all.filter((effect) => effect.type === 'closeRecording').length, 1);
    t.notOk(driver.kinds().includes('wrapUpStarted'), 'the queue has not said so yet');
    const operatorId = asId<OperatorId>('operator1');
    driver.feed({ type: 'wrapUpBegun', operatorId }).feed({ type: 'wrapUpBegun', operatorId });
    t.equal(driver.kinds().filter((kind) => kind === 'wrapUpStarted').length, 1);
    driver.feed({ type: 'recordingClosed', recordingId, state: 'verified', durationMs: 5_000 }).fire('wrapUp');
    t.same(driver.effectTypes(), ['endWrapUp']);
    t.notOk(driver.kinds().includes('wrapUpEnded'), 'told when it is so');
    driver.feed({ type: 'wrapUpOver', operatorId });
    t.same(driver.effectTypes(), ['putRecord', 'finish']);
    t.ok(driver.kinds().includes('wrapUpEnded'));
    t.equal(driver.state.facts.wrapUpMs, 10_000);
    t.same(driver.feed({ type: 'wrapUpOver', operatorId }).effects, []);
  }
});

t.test('a queue that cannot be told, or will not end a wrap-up yet, does not keep a contact for ever', async (t) => {
  const operatorId = asId<OperatorId>('operator1');
  const driver = toTalk(new Driver()).feed({ type: 'legEnded', legId: callerLegId, cause: 'normal' });
  driver.feed({ type: 'effectFailed', effect: 'release', why: 'FAILED' }).fire('wrapUp');
  driver.feed({ type: 'wrapUpNotDue', operatorId }).fire('wrapUp');
  t.same(driver.effectTypes(), ['endWrapUp']);
  driver.feed({ type: 'recovered', nodeId: 'n2', legs: [], playbacks: [], uncertain: [] });
  t.same(driver.effectTypes(), ['endWrapUp'], 'the answer may have been lost');
  driver.feed({ type: 'effectFailed', effect: 'endWrapUp', why: 'FAILED' });
  t.ok(driver.kinds().includes('wrapUpEnded'));
});

t.test('a full queue sends its caller to another, where he has waited since he came', async (t) => {
  const driver = new Driver().toQueue();
  const since = driver.nowMs;
  driver.nowMs += 40;
  driver.feed({ type: 'queueRefused', queueId: 'general', limit: 'length' });
  t.match(driver.state.phase, { name: 'queued', queueId: 'overflow', topic: 'general', enqueuedAtMs: since });
  t.match(
    driver.effects.find((effect) => effect.type === 'enqueue'),
    { queueId: 'overflow', enqueuedAtMs: since },
  );
  t.same(driver.effectTypes().filter((type) => type === 'withdraw' || type === 'destroyBridge').length, 2);
  t.ok(driver.kinds().includes('queueLimitReached'));
});

t.test('nobody there, or too long a wait: the flow goes on at the node the queue names', async (t) => {
  const refused = new Driver().toQueue().feed({ type: 'queueRefused', queueId: 'general', limit: 'nobodyLoggedIn' });
  t.match(refused.state.phase, {
    name: 'voice',
    flow: { flowId: 'test', position: { node: 'message', topic: 'general' } },
  });
  const waiting = new Driver().toQueue().fire('queueLimit');
  t.match(waiting.state.phase, { name: 'voice', flow: { position: { node: 'message' } } });
  t.equal(waiting.state.facts.waitMs, 300_000);

  const ringing = new Driver().toQueue();
  ringing.nowMs += 295_000;
  ringing.feed(offer(1)).fire('queueLimit');
  t.equal(ringing.state.phase.name, 'queued', 'while somebody is being rung he stays');
  ringing.fire('ring');
  t.equal(ringing.state.phase.name, 'voice');
});

t.test('staff moves a caller or takes him out', async (t) => {
  const moved = new Driver().toQueue().feed({ type: 'contactMoved', queueId: 'overflow' });
  t.match(moved.state, { phase: { name: 'queued', queueId: 'overflow' }, facts: { queueId: 'overflow' }, timers: {} });
  t.equal(moved.state.timers.queueLimit, undefined, 'the limit was of the other queue');
  const out = new Driver().toQueue().feed(offer(1)).feed({ type: 'contactWithdrawn' });
  t.match(out.state.phase, { name: 'voice', endAfterPlayback: 'failed' });
  t.ok(out.effectTypes().includes('hangup'), 'the phone stops ringing');
  t.match(out.effects.at(-1), { type: 'playToLeg', media: [/removed-from-queue/] });
  const joining = new Driver().toQueue().feed(offer(1));
  joining.feed({ type: 'legAnswered', legId: lastOperatorLeg(joining.state) }).feed({ type: 'contactWithdrawn' });
  t.match(joining.state.phase, { name: 'voice', endAfterPlayback: 'failed' });
});

t.test('wrap-up lasts as long as the queue says in the end', async (t) => {
  const driver = toTalk(new Driver());
  const operatorId = asId<OperatorId>('operator1');
  driver.feed({ type: 'legEnded', legId: callerLegId, cause: 'normal' }).feed({ type: 'wrapUpBegun', operatorId });
  const dueMs = driver.state.timers.wrapUp ?? 0;
  driver.feed({ type: 'wrapUpExtended', operatorId: asId<OperatorId>('another'), untilMs: dueMs + 1 });
  t.equal(driver.state.timers.wrapUp, dueMs);
  driver.feed({ type: 'wrapUpExtended', operatorId, untilMs: dueMs + 60_000 });
  t.equal(driver.state.timers.wrapUp, dueMs + 60_000);
  driver.nowMs += 5_000;
  driver.feed({ type: 'wrapUpOver', operatorId });
  t.equal(driver.state.timers.wrapUp, undefined);
  t.equal(driver.state.facts.wrapUpMs, 5_000);
});

t.test('a spoken message is a stretch of the recording and the request names it', async (t) => {
  const driver = new Driver().toMenu();
  driver.nowMs += 2_000;
  driver.feed({ type: 'digit', legId: callerLegId, digit: '2' });
  const { phase } = driver.state;
  if (phase.name !== 'voice' || phase.playback === undefined) throw new Error('expected a prompt');
  driver.feed({ type: 'playbackEnded', playbackId: phase.playback, outcome: 'played' });
  driver.nowMs += 4_000;
  driver.feed({ type: 'digit', legId: callerLegId, digit: '#' });
  t.match(
    driver.effects.find((effect) => effect.type === 'markRecording'),
    { purpose: 'message', fromMs: 2_000, toMs: 6_000 },
  );
  driver.feed({ type: 'digit', legId: callerLegId, digit: '1' });
  t.match(
    driver.effects.find((effect) => effect.type === 'storeRequest'),
    { message: { fromMs: 2_000, toMs: 6_000 } },
  );
});

t.test('a message is kept when the caller hangs up before he is told a number', async (t) => {
  const driver = new Driver().toMenu();
  driver.feed({ type: 'digit', legId: callerLegId, digit: '2' });
  const { phase } = driver.state;
  if (phase.name !== 'voice' || phase.playback === undefined) throw new Error('expected a prompt');
  driver.feed({ type: 'playbackEnded', playbackId: phase.playback, outcome: 'played' });
  driver.nowMs += 4_000;
  driver.feed({ type: 'legEnded', legId: callerLegId, cause: 'normal' });
  t.match(
    driver.effects.find((effect) => effect.type === 'storeRequest'),
    { callBackNumber: testArrival.arrival.ani, message: { fromMs: 0, toMs: 4_000 } },
  );
  driver.feed({ type: 'requestStored', caseId: asId<never>('case1'), caseNumber: '1234' });
  t.equal(driver.state.facts.outcome, 'requestLeft');
});

t.test('a caller who cannot be put into a bridge is told so rather than left in silence', async (t) => {
  for (const failed of [{ effect: 'joinBridge', why: 'refused' }] as const) {
    const waiting = new Driver().toQueue().feed({ type: 'effectFailed', ...failed });
    t.same(waiting.effectTypes(), ['withdraw', 'destroyBridge', 'playToLeg'], failed.effect);
    const spoken = toTalk(new Driver()).feed({ type: 'effectFailed', ...failed });
    t.match(spoken.state, { phase: { name: 'closing' }, facts: { outcome: 'failed', endedBy: 'service' } });
  }
  const gone = new Driver().toQueue().feed({ type: 'effectFailed', effect: 'joinBridge', why: 'gone' });
  t.same(gone.effects, [], 'a leg that is gone reports its end itself');
});

t.test('timers that were set anew do not fire the old way', async (t) => {
  const driver = new Driver().toQueue().feed(offer(1));
  driver.feed({ type: 'timerFired', timerId: 'ring', dueMs: driver.nowMs - 1 });
  t.same(driver.effects, []);
  t.match(driver.state.phase, { name: 'queued', offer: { offerId: 'o1' } });
});

t.test('recovery: what Asterisk no longer holds has ended, what answered meanwhile has answered', async (t) => {
  const ringing = new Driver().toQueue().feed(offer(1));
  const legId = lastOperatorLeg(ringing.state);
  const seen = { type: 'recovered', nodeId: 'n1', playbacks: [], uncertain: [] } as const;
  ringing.feed({
    ...seen,
    legs: [
      { legId: callerLegId, controlled: true, up: true },
      { legId, controlled: true, up: true },
    ],
  });
  t.equal(ringing.state.phase.name, 'joining');
  const gone = new Driver().toQueue().feed(offer(1));
  gone.feed({ ...seen, legs: [] });
  t.equal(gone.state.phase.name, 'closing');
  t.ok(gone.effectTypes().includes('withdraw'));
  const talking = toTalk(new Driver());
  talking.feed({
    ...seen,
    legs: talking.state.legs.map((leg) => ({ legId: leg.legId, controlled: true, up: true })),
  });
  t.equal(talking.state.phase.name, 'talking');
  t.same(talking.effectTypes(), ['joinBridge']);
});

t.test(
  'recovery while the recording starts: on its way it is awaited, running it is kept, else begun anew',
  async (t) => {
    const starting = () => {
      const driver = new Driver();
      const recordingId = driver.state.recording?.recordingId;
      if (!recordingId) throw new Error('expected a recording');
      return driver.feed({ type: 'recordingOpened', recordingId, spoolFile: '/spool/one.sln' });
    };
    const seen = { type: 'recovered', nodeId: 'n1', playbacks: [], uncertain: ['startRecording'] } as const;
    const awaited = starting().feed({ ...seen, legs: [{ legId: callerLegId, controlled: false, up: true }] });
    t.same(awaited.effects, []);
    const kept = starting().feed({
      ...seen,
      legs: [{ legId: callerLegId, controlled: true, up: true, spoolFile: '/spool/one.sln' }],
    });
    t.equal(kept.state.phase.name, 'voice');
    const anew = starting().feed({ ...seen, legs: [{ legId: callerLegId, controlled: true, up: true }] });
    t.same(anew.effectTypes(), ['openRecording']);
  },
);

/** Any event, about things that exist as well as about things that do not. */
const anyEvent = (driver: Driver): fc.Arbitrary<ContactEvent> => {
  const { state } = driver;
  const legId = fc.constantFrom(...state.legs.map((leg) => leg.legId), asId<LegId>('nobody'));
  const offerId = fc.constantFrom(...[1, 2, 3].map((n) => asId<OfferId>(`o${n}`)));
  const visit = state.phase.name === 'queued' ? state.phase.visit : undefined;
  const playbackId = fc.constantFrom(
    ...(('playback' in state.phase && state.phase.playback ? [state.phase.playback] : []) as string[]),
    ...(visit?.playback === undefined ? [] : [visit.playback]),
    'stale',
  ) as fc.Arbitrary<never>;
  const timers = Object.entries(state.timers) as [keyof ContactState['timers'], number][];
  const recordingId = state.recording?.recordingId ?? asId<never>('r0');
  return fc.oneof(
    legId.map((id): ContactEvent => ({ type: 'legReturned', legId: id, spoolFile: '/spool/one.sln' })),
    fc.constant<ContactEvent>({ type: 'recordingOpened', recordingId, spoolFile: '/spool/one.sln' }),
    legId.map((id): ContactEvent => ({ type: 'legRinging', legId: id })),
    legId.map((id): ContactEvent => ({ type: 'legAnswered', legId: id })),
    fc
      .tuple(legId, fc.constantFrom('normal', 'busy', 'declined', 'noAnswer', 'failure' as const))
      .map(([id, cause]): ContactEvent => ({ type: 'legEnded', legId: id, cause: cause as 'normal' })),
    fc
      .constantFrom('0', '1', '2', '3', '9', '#', '*')
      .map((digit): ContactEvent => ({ type: 'digit', legId: callerLegId, digit })),
    playbackId.map((id): ContactEvent => ({ type: 'playbackEnded', playbackId: id, outcome: 'played' })),
    fc.constantFrom(1, 2, 3).map((n) => offer(n, n === 3 ? [] : [`PJSIP/10${n}/a`, `PJSIP/10${n}/b`])),
    offerId.map((id): ContactEvent => ({ type: 'offerWithdrawn', offerId: id, reason: 'leaseExpired' })),
    offerId.map((id): ContactEvent => ({ type: 'offerConfirmed', offerId: id })),
    offerId.map((id): ContactEvent => ({ type: 'offerStale', offerId: id })),
    fc.constantFrom<ContactEvent>(
      { type: 'queueRefused', queueId: 'general', limit: 'length' },
      { type: 'queueRefused', queueId: 'overflow', limit: 'nobodyLoggedIn' },
      { type: 'contactMoved', queueId: 'overflow' },
      { type: 'contactWithdrawn' },
      { type: 'wrapUpExtended', operatorId: asId<OperatorId>('operator1'), untilMs: driver.nowMs + 9_000 },
      { type: 'wrapUpBegun', operatorId: asId<OperatorId>('operator1') },
      { type: 'wrapUpNotDue', operatorId: asId<OperatorId>('operator1') },
      { type: 'wrapUpOver', operatorId: asId<OperatorId>('operator1') },
    ),
    fc.constantFrom<ContactEvent>(
      { type: 'placeKnown', position: 2, estimateMs: 200_000, atArrival: true },
      { type: 'placeKnown', position: 1, estimateMs: 60_000 },
      { type: 'placeKnown' },
    ),
    fc.constant<ContactEvent>({ type: 'recordingClosed', recordingId, state: 'verified', durationMs: 1 }),
    fc.constant<ContactEvent>({ type: 'requestStored', caseId: asId<never>('case1'), caseNumber: '1234' }),
    fc
      .constantFrom(
        'enqueue',
        'joinBridge',
        'openRecording',
        'closeRecording',
        'storeRequest',
        'offerAnswered' as const,
      )
      .map(
        (effect): ContactEvent => ({
          type: 'effectFailed',
          effect: effect as 'enqueue',
          why: 'refused',
          offerId: asId<OfferId>('o1'),
        }),
      ),
    ...(timers.length > 0
      ? [fc.constantFrom(...timers).map(([timerId, dueMs]): ContactEvent => ({ type: 'timerFired', timerId, dueMs }))]
      : []),
    fc.constant<ContactEvent>({
      type: 'recovered',
      nodeId: 'n2',
      legs: state.legs
        .filter((leg) => leg.state !== 'ended')
        .map((leg) => ({ legId: leg.legId, controlled: true, up: leg.state === 'up' })),
      playbacks: [],
      uncertain: [],
    }),
  );
};

t.test('any order of events keeps the invariants, and the end leaves nothing behind', async (t) => {
  const arrivals = fc.constantFrom(testArrival, quietArrival, toldArrival);
  const property = fc.property(fc.infiniteStream(fc.nat()), arrivals, (seeds, arrival) => {
    const driver = new Driver(arrival);
    for (let count = 0; count < 40; count += 1) {
      const seed = seeds.next().value as number;
      const [event] = fc.sample(anyEvent(driver), { numRuns: 1, seed });
      if (!event) throw new Error('expected an event');
      driver.nowMs += seed % 3_000;
      driver.feed(event);
      check(driver);
    }
    finish(driver);
  });
  const details = fc.check(property, { numRuns: 500 });
  t.comment(`seed ${details.seed}, ${details.numRuns} runs`);
  t.notOk(details.failed, fc.defaultReportMessage(details) ?? '');
});

function check(driver: Driver): void {
  const { state, all } = driver;
  const liveOffers = new Set(
    operatorLegs(state)
      .filter((leg) => ['starting', 'ringing', 'up'].includes(leg.state))
      .map((leg) => leg.offerId),
  );
  if (liveOffers.size > 1) throw new Error(`more than one live offer: ${[...liveOffers].join()}`);
  const enqueued = all.filter((effect) => effect.type === 'enqueue').map((effect) => effect.enqueuedAtMs);
  if (new Set(enqueued).size > 1) throw new Error('enqueuedAtMs was written twice');
  const names = all.flatMap((effect) => (effect.type === 'originate' ? [effect.legId] : []));
  if (new Set(names).size !== names.length) throw new Error('a leg was named twice');
  const quiet = Object.keys(state.timers).length === 0;
  const waits =
    state.phase.name === 'queued' ||
    state.phase.name === 'talking' ||
    state.phase.name === 'joining' ||
    // The queue has been asked, and is until it answers.
    (state.phase.name === 'closing' && state.phase.wrapUp !== undefined) ||
    finished(driver);
  // In the queue the caller is in a bridge with music and the queue bounds the wait; everywhere else a timer does.
  if (quiet && !waits) throw new Error(`nothing bounds the wait in ${state.phase.name}`);
}

const finished = (driver: Driver): boolean => driver.all.some((effect) => effect.type === 'finish');

/** The caller hangs up, everything asked for happens: the contact must finish, and every bridge and offer be given back. */
function finish(driver: Driver): void {
  driver.feed({ type: 'legEnded', legId: callerLegId, cause: 'normal' });
  endAll(driver);
  const { phase, recording } = driver.state;
  if (phase.name === 'closing' && phase.wrapUp) {
    const { operatorId } = phase.wrapUp;
    driver.feed({ type: 'wrapUpBegun', operatorId });
    if (driver.state.timers.wrapUp !== undefined) driver.fire('wrapUp');
    driver.feed({ type: 'wrapUpOver', operatorId });
  }
  if (recording)
    driver.feed({ type: 'recordingClosed', recordingId: recording.recordingId, state: 'verified', durationMs: 1 });
  if (!finished(driver)) throw new Error(`not finished: ${JSON.stringify(driver.state.phase)}`);
  const made = new Set(driver.all.flatMap((effect) => (effect.type === 'joinBridge' ? [effect.bridgeId] : [])));
  for (const effect of driver.all) if (effect.type === 'destroyBridge') made.delete(effect.bridgeId);
  if (made.size > 0) throw new Error(`bridges left: ${[...made].join()}`);
}
