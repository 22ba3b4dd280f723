import t from 'tap';
import { QueueObservations } from '../../src/acd/index.ts';
import { type ContactEvent, QueueWatch, type TimelineEntry } from '../../src/contact/index.ts';
import {
  asId,
  type CaseId,
  type ContactId,
  type OfferId,
  type OperatorId,
  type PlaybackId,
} from '../../src/foundation/index.ts';
import { callerLegId, Driver, toldArrival } from '../support/contact-rules.ts';

const offer: ContactEvent = {
  type: 'offerMade',
  offerId: asId<OfferId>('o1'),
  operatorId: asId<OperatorId>('operator1'),
  extension: '101',
  devices: ['PJSIP/101'],
  why: {},
};

/** In the queue, with the welcome being said. */
function queued(): Driver {
  const driver = new Driver(toldArrival).toMenu();
  const { phase } = driver.state;
  if (phase.name !== 'voice' || phase.playback === undefined) throw new Error('expected a greeting');
  return driver.feed({ type: 'playbackEnded', playbackId: phase.playback, outcome: 'played' });
}

/** In the queue that tells its callers something, with the welcome said. */
function waiting(known: { readonly position?: number; readonly estimateMs?: number } = {}): Driver {
  const driver = queued();
  const { position = 3, estimateMs = 60_000 } = known;
  return played(driver.feed({ type: 'placeKnown', position, estimateMs, atArrival: true }));
}

function playing(driver: Driver): PlaybackId | undefined {
  const { phase } = driver.state;
  if (phase.name !== 'queued') return undefined;
  return phase.visit?.playback ?? phase.playback;
}

/** What is being said comes to its end. */
function played(driver: Driver): Driver {
  const playbackId = playing(driver);
  if (playbackId === undefined) throw new Error('expected something to be said');
  return driver.feed({ type: 'playbackEnded', playbackId, outcome: 'played' });
}

const press = (driver: Driver, digit: string): Driver => driver.feed({ type: 'digit', legId: callerLegId, digit });

function at(driver: Driver, waitedMs: number): Driver {
  driver.nowMs = (driver.state.facts.enqueuedAtMs ?? 0) + waitedMs;
  return driver;
}

/** Sounds of the last step without pieces of numbers. */
function said(driver: Driver): readonly string[] {
  return driver.effects.flatMap((effect) =>
    effect.type === 'playToBridge' || effect.type === 'playToLeg'
      ? effect.media.map((id) => id.replace(/^ru\//, '')).filter((id) => !id.startsWith('numerals/'))
      : [],
  );
}

function stored(driver: Driver): Driver {
  const request = driver.all.findLast((effect) => effect.type === 'storeRequest');
  if (request === undefined) throw new Error('expected a request');
  const { idempotencyKey } = request;
  return driver.feed({ type: 'requestStored', caseId: asId<CaseId>('case1'), caseNumber: '12345', idempotencyKey });
}

t.test('place and estimate are asked for in one round trip and said into the bridge, music between', async (t) => {
  const driver = waiting();
  driver.fire('tell');
  t.same(driver.effectTypes(), ['askPlace']);
  driver.feed({ type: 'placeKnown', position: 3, estimateMs: 60_000 });
  t.same(driver.effectTypes(), ['playToBridge']);
  t.same(said(driver), ['estimate-left', 'press-request', 'press-questions', 'press-place', 'press-menu']);
  t.match(driver.state.timeline.at(-1), { kind: 'announced', facts: { position: 3, estimateMs: 60_000 } });
  t.equal(driver.state.timers.tell, undefined, 'nothing over it');
  driver.nowMs += 5_000;
  played(driver);
  t.equal(driver.state.timers.tell, driver.nowMs + 30_000);
  driver.fire('tell').feed({ type: 'placeKnown', position: 3, estimateMs: 60_000 });
  t.same(said(driver), ['comfort-thanks'], 'nothing is new');
  driver.feed({ type: 'effectFailed', effect: 'playToBridge', why: 'gone', playbackId: playing(driver) as PlaybackId });
  driver.fire('tell').feed({ type: 'effectFailed', effect: 'askPlace', why: 'REDIS_UNAVAILABLE' });
  t.same(said(driver).slice(0, 1), ['comfort-thanks'], 'what can be told without the queue');
});

t.test('nothing is announced while a phone rings for him; afterwards it is made up for', async (t) => {
  const driver = waiting().feed(offer);
  t.equal(driver.state.timers.tell, undefined);
  const late = waiting().fire('tell').feed(offer).feed({ type: 'placeKnown', position: 1, estimateMs: 9_000 });
  t.same(late.effects, [], 'the answer came too late');
  late.fire('ring');
  t.same(late.fire('tell').effectTypes(), ['askPlace']);
  const leg = driver.state.legs.at(-1)?.legId ?? callerLegId;
  driver.feed({ type: 'legAnswered', legId: leg }).feed({ type: 'offerStale', offerId: asId<OfferId>('o1') });
  t.ok(driver.state.timers.tell, 'an operator who was gone again');
});

t.test('a key while an announcement is said: his place at once, or an answer while the place is kept', async (t) => {
  const driver = waiting().fire('tell').feed({ type: 'placeKnown', position: 3, estimateMs: 60_000 });
  t.same(press(driver, '7').effects, [], 'a key that means nothing stops nothing');
  t.same(press(driver, '0').effectTypes(), ['stopPlayback', 'askPlace']);
  driver.feed({ type: 'placeKnown', position: 4, estimateMs: 60_000 });
  t.same(said(driver), ['estimate-left']);
  t.same(press(driver, '3').effectTypes(), ['stopPlayback', 'leaveBridge', 'playToLeg', 'keepTime']);
  t.same(said(driver), ['answer-terms']);
  t.equal(driver.state.timers.tell, undefined);
  played(driver);
  t.same(said(driver), ['questions-return']);
  played(driver);
  t.same(driver.effectTypes(), ['joinBridge']);
  t.match(driver.effects[0], { kind: 'holding' });
  t.equal(driver.state.timers.tell, driver.nowMs + 30_000);
  t.notOk(
    driver.all.some(({ type }) => type === 'withdraw'),
    'the place is kept',
  );
});

t.test('an operator who answers takes the caller out of a flow; a restart leaves him in it', async (t) => {
  const driver = press(waiting(), '3');
  const bridges = driver.all.filter(({ type }) => type === 'joinBridge').length;
  driver.feed({
    type: 'recovered',
    nodeId: 'n2',
    legs: [{ legId: callerLegId, controlled: true, up: true }],
    playbacks: [],
    uncertain: [],
  });
  t.same(driver.effectTypes(), ['enqueue', 'playToLeg'], 'his prompt is over, and the flow goes on');
  t.equal(driver.all.filter(({ type }) => type === 'joinBridge').length, bridges);
  driver.feed(offer);
  t.equal(driver.effectTypes()[0], 'originate');
  driver.feed({ type: 'legAnswered', legId: driver.state.legs.at(-1)?.legId ?? callerLegId });
  t.same(driver.effectTypes(), ['stopPlayback', 'joinBridge', 'offerAnswered']);
  driver.feed({ type: 'offerConfirmed', offerId: asId<OfferId>('o1') });
  t.equal(driver.state.phase.name, 'talking');
  t.same(Object.keys(driver.state.timers), []);
});

t.test('from the menu he goes to another queue with the wait he has, or back to his own', async (t) => {
  const driver = at(press(waiting(), '*'), 30_000);
  const since = driver.state.facts.enqueuedAtMs;
  press(driver, '1');
  t.match(driver.state.phase, { name: 'queued', queueId: 'general', enqueuedAtMs: since });
  t.same(
    driver.effectTypes().filter((type) => type === 'withdraw' || type === 'enqueue' || type === 'destroyBridge'),
    ['withdraw', 'enqueue', 'destroyBridge'],
  );
  t.same(Object.keys(driver.state.timers), ['queueLimit']);
});

t.test('a long wait is known on arrival: the choice after the welcome, and silence is going on', async (t) => {
  const driver = queued();
  driver.feed({ type: 'placeKnown', position: 9, estimateMs: 240_000, atArrival: true });
  t.same(driver.effects, [], 'the welcome is heard to its end');
  played(driver);
  t.same(driver.effectTypes(), ['leaveBridge', 'playToLeg', 'keepTime']);
  t.same(said(driver), ['operators-busy', 'estimate-left']);
  played(driver).fire('input');
  t.same(driver.effectTypes(), ['joinBridge']);
  t.notOk('visit' in driver.state.phase);
  const short = waiting({ position: 1, estimateMs: 100_000 });
  t.notOk(short.kinds().includes('choiceOffered'));
  const rung = queued().feed(offer);
  played(rung.feed({ type: 'placeKnown', position: 1, atArrival: true }));
  t.notOk(rung.kinds().includes('choiceOffered'), 'somebody is being rung for him');
  const nobody = played(queued().feed({ type: 'placeKnown', position: 1, atArrival: true }));
  t.ok(nobody.kinds().includes('choiceOffered'), 'an estimate nobody can give is above any');
});

t.test('the ladder: raised at 45 s, the choice at 75 s, the request at 110 s, told when it is stored', async (t) => {
  const driver = waiting();
  at(driver, 45_000).fire('ladder');
  t.match(driver.effects, [{ type: 'setHeadStart', headStartMs: 30_000 }]);
  driver.fire('ladder');
  t.same(driver.effectTypes(), ['askPlace']);
  driver.feed({ type: 'placeKnown', position: 2, estimateMs: 30_000 });
  t.notOk(driver.kinds().includes('choiceOffered'), 'he will be answered in time');
  driver.fire('ladder');
  t.match(driver.effects, [{ type: 'storeRequest', topic: 'told', callBackNumber: '+79161234567' }]);
  t.same(said(driver), [], 'not before it is stored');
  at(driver, 112_000);
  stored(driver);
  t.same(driver.effectTypes(), ['playToBridge']);
  t.same(said(driver), ['concluded-request', 'request-number', 'request-number-again', 'request-or-stay']);
  t.notOk(driver.state.timeline.some(({ kind, facts }) => kind === 'announced' && 'digits' in facts));
  played(driver).fire('ladder');
  t.match(driver.effects, [{ type: 'setHeadStart' }], 'who stays comes after those who can be answered in time');
  t.equal(driver.nowMs - (driver.state.facts.enqueuedAtMs ?? 0), 120_000);
  driver.feed({ type: 'legEnded', legId: callerLegId, cause: 'normal' });
  t.equal(driver.state.facts.outcome, 'requestLeft');
  t.equal(driver.all.filter(({ type }) => type === 'storeRequest').length, 1);
});

t.test('the choice at 75 s is taken: his own request is his concluded end', async (t) => {
  const driver = at(waiting(), 75_000).fire('ladder').feed({ type: 'placeKnown', position: 5, estimateMs: 90_000 });
  t.same(driver.effectTypes(), ['leaveBridge', 'playToLeg', 'keepTime']);
  press(driver, '1');
  played(driver);
  driver.nowMs += 4_000;
  press(press(driver, '#'), '1');
  t.equal(driver.effects.at(-1)?.type, 'storeRequest');
  at(driver, 110_000).fire('ladder');
  t.same(driver.effects, [], 'one request, though it is not stored yet');
  stored(driver);
  t.same(said(driver), ['request-stored'], 'told by the flow that asked for it');
  played(driver);
  t.same(driver.effectTypes(), ['joinBridge']);
  at(driver, 121_000).fire('ladder');
  t.equal(driver.all.filter(({ type }) => type === 'storeRequest').length, 1);
  t.match(driver.effects, [{ type: 'setHeadStart' }]);
});

t.test('by the latest moment the request is stored whatever goes on, and told though a phone rings', async (t) => {
  const ringing = at(waiting(), 108_000).feed(offer);
  at(ringing, 110_000).fire('ladder');
  t.notOk(
    ringing.all.some(({ type }) => type === 'storeRequest'),
    'he may have an operator in a moment',
  );
  ringing.fire('ladder');
  t.equal(ringing.nowMs - (ringing.state.facts.enqueuedAtMs ?? 0), 119_000, 'in time to be kept by then');
  t.same(ringing.effectTypes(), ['storeRequest']);
  t.same(said(stored(ringing))[0], 'concluded-request');
  const visiting = press(at(waiting(), 115_000), '3');
  t.notOk(visiting.all.some(({ type }) => type === 'storeRequest'));
  at(visiting, 119_000).fire('ladder');
  t.ok(visiting.effectTypes().includes('storeRequest'));
  stored(visiting).fire('ladder');
  t.same(visiting.effectTypes(), ['setHeadStart'], 'not over the flow he is in');
  played(played(visiting));
  t.same(said(visiting)[0], 'concluded-request');
});

t.test('a late look takes what was missed; a request that cannot be stored leaves him waiting', async (t) => {
  const driver = at(waiting(), 119_000);
  driver.feed({
    type: 'recovered',
    nodeId: 'n2',
    legs: [{ legId: callerLegId, controlled: true, up: true }],
    playbacks: [],
    uncertain: [],
  });
  t.same(driver.effectTypes(), ['joinBridge', 'enqueue', 'setHeadStart', 'storeRequest']);
  t.match(driver.effects[1], { type: 'enqueue', headStartMs: 30_000 });
  const request = driver.effects.find((effect) => effect.type === 'storeRequest');
  const idempotencyKey = request?.idempotencyKey ?? '';
  driver.feed({ type: 'effectFailed', effect: 'storeRequest', why: 'FAILED', idempotencyKey });
  at(driver, 121_000).feed({ type: 'placeKnown', position: 1 });
  t.same(driver.effectTypes(), [], 'nobody is put behind who holds nothing');
  t.equal(driver.state.phase.name, 'queued');
});

t.test('a request stored when he talks already stays his, and he was answered', async (t) => {
  const driver = at(waiting(), 110_000).fire('ladder').feed(offer);
  driver.feed({ type: 'legAnswered', legId: driver.state.legs.at(-1)?.legId ?? callerLegId });
  driver.feed({ type: 'offerConfirmed', offerId: asId<OfferId>('o1') });
  stored(driver).feed({ type: 'legEnded', legId: callerLegId, cause: 'normal' });
  t.match(driver.state.facts, { outcome: 'answeredByOperator', caseId: 'case1' });
});

t.test('what estimates rest on is seen from the timelines of all contacts', async (t) => {
  const observations = new QueueObservations(0);
  const watch = new QueueWatch(observations, (queueId) => queueId !== 'quiet');
  const course = (name: string, entries: readonly (readonly [number, string, TimelineEntry['facts']?])[]): void => {
    for (const [seconds, kind, facts = {}] of entries) {
      const contactId = asId<ContactId>(name);
      watch.take({ source: 'contact', contactId, entry: { atMs: seconds * 1_000, kind, facts } });
    }
  };
  const expected = { handlingMs: 100_000, meanPatienceMs: 60_000 };
  const now = (queueId: string) => observations.of(queueId, { nowMs: 900_000, expected });
  course('c1', [
    [0, 'queued', { queueId: 'told' }],
    [10, 'announced', { estimateMs: 30_000 }],
    [50, 'announced', { estimateMs: 5_000 }],
    [60, 'joined'],
    [160, 'ended', { outcome: 'answeredByOperator' }],
    [280, 'wrapUpEnded'],
    [290, 'wrapUpEnded'],
  ]);
  t.equal(now('told').handlingMs, (10 * 100_000 + 220_000) / 11);
  t.equal(now('told').estimateError?.contacts, 1);
  const error = now('told').estimateError?.p50Ms ?? 0;
  t.ok(error > 17_000 && error < 21_000, `told 40 s of the wait at first, waited 60 s: ${error} ms`);
  course('c2', [
    [0, 'queued', { queueId: 'told' }],
    [30, 'ended', { outcome: 'abandonedInQueue' }],
  ]);
  course('c3', [
    [0, 'queued', { queueId: 'told' }],
    [130, 'ended', { outcome: 'requestLeft' }],
  ]);
  const { meanPatienceMs } = now('told');
  t.ok(Math.abs(meanPatienceMs - (600_000 + 60_000 + 30_000 + 130_000) / 11) < 100, `${meanPatienceMs}: one gave up`);
  course('c4', [
    [0, 'queued', { queueId: 'told' }],
    [20, 'movedToQueue', { queueId: 'quiet' }],
    [25, 'joined'],
    [45, 'ended', { outcome: 'answeredByOperator' }],
  ]);
  t.equal(now('quiet').handlingMs, (10 * 100_000 + 20_000) / 11, 'without wrap-up it ends with the call');
  course('nobody', [[5, 'ended', { outcome: 'abandonedInQueue' }]]);
  watch.take({ source: 'queue', entry: { atMs: 0, kind: 'queued', facts: {} } });
  t.equal(now('nowhere').arrivalsPerHour, 0);
});
