import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import { stayingHeadStartMs } from '../../src/acd/index.ts';
import { describeFault, loadHotlineConfig } from '../../src/config/index.ts';
import {
  type Arrival,
  type ContactEffect,
  type ContactEvent,
  type ContactRules,
  type QueuedPhase,
  rulesFromConfig,
} from '../../src/contact/index.ts';
import {
  asId,
  type CallBackId,
  type CaseId,
  type ContactId,
  dayMs,
  hourMs,
  minuteMs,
  type OfferId,
  type OperatorId,
  type PlaybackId,
} from '../../src/foundation/index.ts';
import { calledArrival, callerLegId, Driver, returningRules } from '../support/contact-rules.ts';

const offer: ContactEvent = {
  type: 'offerMade',
  offerId: asId<OfferId>('o1'),
  operatorId: asId<OperatorId>('operator1'),
  extension: '101',
  devices: ['PJSIP/101'],
  why: {},
};
const made = asId<CallBackId>('b-made');
const found = asId<CallBackId>('b-found');

/** In the queue whose callers are called back, with the welcome being said. */
function entering(arrival: Arrival = calledArrival, closesAtMs?: number): Driver {
  return new Driver(arrival, returningRules(closesAtMs)).toMenu();
}

function waiting(driver: Driver = entering()): Driver {
  return played(driver.feed({ type: 'placeKnown', position: 3, estimateMs: 60_000, atArrival: true }));
}

function queuedIn(driver: Driver): QueuedPhase {
  const { phase } = driver.state;
  if (phase.name !== 'queued') throw new Error(`expected a waiting caller, got ${phase.name}`);
  return phase;
}

function played(driver: Driver): Driver {
  const { phase } = driver.state;
  const dialogue = phase.name === 'queued' ? (phase.visit ?? phase) : phase;
  const playbackId = 'playback' in dialogue ? dialogue.playback : undefined;
  if (playbackId === undefined) throw new Error('expected something to be said');
  return driver.feed({ type: 'playbackEnded', playbackId: playbackId as PlaybackId, outcome: 'played' });
}

const press = (driver: Driver, digit: string): Driver => driver.feed({ type: 'digit', legId: callerLegId, digit });
const hangUp = (driver: Driver): Driver => driver.feed({ type: 'legEnded', legId: callerLegId, cause: 'normal' });

function at(driver: Driver, waitedMs: number): Driver {
  driver.nowMs = (driver.state.facts.enqueuedAtMs ?? 0) + waitedMs;
  return driver;
}

function said(driver: Driver): readonly string[] {
  return driver.effects.flatMap((effect) =>
    effect.type === 'playToBridge' || effect.type === 'playToLeg'
      ? effect.media.map((id) => id.replace(/^ru\//, '')).filter((id) => !id.startsWith('numerals/'))
      : [],
  );
}

const allOf = <Type extends ContactEffect['type']>(driver: Driver, type: Type) =>
  driver.all.filter((effect): effect is Extract<ContactEffect, { type: Type }> => effect.type === type);

function lastPromise(driver: Driver): Extract<ContactEffect, { type: 'promiseCallBack' }> {
  const effect = allOf(driver, 'promiseCallBack').at(-1);
  if (effect === undefined) throw new Error('expected a call-back to be asked for');
  return effect;
}

function promised(driver: Driver, dueInMs = 0): Driver {
  const { idempotencyKey, queueId, placeMs } = lastPromise(driver);
  return driver.feed({
    type: 'callBackPromised',
    idempotencyKey,
    callBackId: made,
    queueId,
    placeMs,
    dueAtMs: driver.nowMs + dueInMs,
  });
}

function refused(driver: Driver): Driver {
  const { idempotencyKey } = lastPromise(driver);
  return driver.feed({ type: 'callBackRefused', idempotencyKey, why: 'noRoom' });
}

function stored(driver: Driver, which: 'first' | 'last', caseId = `case-${which}`): Driver {
  const requests = allOf(driver, 'storeRequest');
  const { idempotencyKey } = (which === 'first' ? requests[0] : requests.at(-1)) ?? {};
  if (idempotencyKey === undefined) throw new Error('expected a request');
  return driver.feed({ type: 'requestStored', caseId: asId<CaseId>(caseId), caseNumber: '12345', idempotencyKey });
}

function joined(driver: Driver): Driver {
  driver.feed(offer);
  driver.feed({ type: 'legAnswered', legId: driver.state.legs.at(-1)?.legId ?? callerLegId });
  return driver.feed({ type: 'offerConfirmed', offerId: asId<OfferId>('o1') });
}

/** Everything that closing waits for but the answers about promises. */
function closed(driver: Driver): Driver {
  const { recording } = driver.state;
  if (recording === undefined) return driver;
  const { recordingId } = recording;
  return driver.feed({ type: 'recordingClosed', recordingId, state: 'verified', durationMs: 1 });
}

t.test('the concluded end is a call-back of today, told when it is promised, let go when he hangs up', async (t) => {
  const driver = at(waiting(), 110_000).fire('ladder');
  const enqueuedAtMs = driver.state.facts.enqueuedAtMs ?? 0;
  t.match(lastPromise(driver), {
    queueId: 'called',
    number: '+79161234567',
    placeMs: enqueuedAtMs,
    wish: { kind: 'soon', onlyToday: true },
  });
  t.same(said(driver), []);
  t.same(said(promised(at(driver, 111_000))), ['concluded-call-back', 'call-back-or-stay']);
  played(driver).fire('ladder');
  t.match(driver.effects, [{ type: 'setHeadStart', headStartMs: stayingHeadStartMs }]);
  at(driver, 140_000);
  hangUp(driver);
  t.match(allOf(driver, 'letGoCallBack'), [{ callBackId: made }]);
  t.equal(driver.state.facts.outcome, 'callBackPromised');
  t.same(closed(driver).effectTypes(), ['putRecord', 'finish']);
  t.same(allOf(driver, 'storeRequest'), []);
  t.same(allOf(driver, 'cancelCallBack'), []);
});

t.test('no room, or a withheld number: the concluded end is a request as ever', async (t) => {
  const full = refused(at(waiting(), 110_000).fire('ladder'));
  t.same(full.effectTypes(), ['storeRequest']);
  t.same(said(stored(full, 'last')).slice(0, 2), ['concluded-request', 'request-number']);
  t.equal(hangUp(full).state.facts.outcome, 'requestLeft');
  const hidden = { ...calledArrival, arrival: { ...calledArrival.arrival, ani: '' } };
  const driver = at(waiting(entering(hidden)), 110_000).fire('ladder');
  t.ok(driver.effectTypes().includes('storeRequest'));
  t.same(allOf(driver, 'lookUpCaller'), [], 'nobody to look for');
  const failing = at(waiting(), 110_000).fire('ladder');
  const { idempotencyKey } = lastPromise(failing);
  failing.feed({ type: 'effectFailed', effect: 'promiseCallBack', why: 'FAILED', idempotencyKey });
  t.same(failing.effectTypes(), ['storeRequest']);
  const answering = refused(at(waiting(), 110_000).fire('ladder').feed(offer));
  t.same(answering.effects, [], 'a phone rings: not yet');
  t.ok(answering.fire('ring').effectTypes().includes('storeRequest'));
});

t.test('joined with an operator: nobody calls him back, nor works on what was only concluded', async (t) => {
  const called = joined(promised(at(waiting(), 110_000).fire('ladder')));
  t.match(allOf(called, 'cancelCallBack'), [{ callBackId: made, why: 'answeredLive' }]);
  hangUp(called);
  t.same(allOf(called, 'letGoCallBack'), []);
  t.equal(called.state.facts.outcome, 'answeredByOperator');
  const late = promised(joined(at(waiting(), 110_000).fire('ladder')));
  t.match(late.effects, [{ type: 'cancelCallBack', callBackId: made }], 'promised when he talks already');
  const concluded = joined(stored(refused(at(waiting(), 110_000).fire('ladder')), 'last'));
  t.match(allOf(concluded, 'closeRequest'), [{ caseId: 'case-last', why: 'answeredLive' }]);
  const slow = stored(joined(refused(at(waiting(), 110_000).fire('ladder'))), 'last');
  t.match(slow.effects, [{ type: 'closeRequest', caseId: 'case-last' }], 'stored when he talks already');
  t.match(slow.state.facts, { caseId: 'case-last', outcome: 'answeredByOperator' });
  const own = press(waiting(), '2');
  played(own);
  own.nowMs += 4_000;
  press(press(own, '#'), '1');
  t.same(allOf(joined(stored(own, 'last')), 'closeRequest'), [], 'what he left himself stands');
});

t.test('chosen by key: asked of the room, told by the flow, and the concluded end is his', async (t) => {
  const driver = press(waiting(), '1');
  t.match(lastPromise(driver), { wish: { kind: 'soon' }, topic: 'called' });
  at(driver, 121_000).feed({ type: 'placeKnown' });
  t.equal(allOf(driver, 'promiseCallBack').length, 1, 'his own is on its way');
  t.same(said(promised(driver)), ['call-back-promised']);
  played(driver);
  t.ok(driver.effectTypes().includes('joinBridge'), 'back to music');
  at(driver, 150_000).feed({ type: 'placeKnown' });
  t.equal(allOf(driver, 'promiseCallBack').length, 1);
  t.same(allOf(driver, 'storeRequest'), []);
  const full = refused(press(waiting(), '1'));
  t.same(said(full), ['call-back-refused']);
});

t.test(
  'chosen by key and promised when its flow is over: told while he waits, with its own time, as his own',
  async (t) => {
    const answeredInVain = (): Driver => {
      const driver = press(waiting(), '1').feed(offer);
      driver.feed({ type: 'legAnswered', legId: driver.state.legs.at(-1)?.legId ?? callerLegId });
      return driver.feed({ type: 'offerStale', offerId: asId<OfferId>('o1') });
    };
    const soon = promised(answeredInVain());
    t.same(said(soon), ['call-back-promised-soon', 'call-back-or-stay']);
    t.same(said(played(soon).feed({ type: 'placeKnown' })), [], 'once');
    const tomorrow = promised(answeredInVain(), 10 * 60 * minuteMs);
    t.same(said(tomorrow).slice(0, 1), ['call-back-promised']);
    t.same(said(tomorrow).slice(-2), ['moscow-time', 'call-back-or-stay']);

    const visiting = promised(press(answeredInVain(), '2'), 10 * 60 * minuteMs);
    t.same(said(visiting), [], 'not over what he is saying');
    played(visiting);
    at(visiting, 60_000);
    press(press(visiting, '#'), '1');
    stored(visiting, 'last');
    t.same(allOf(visiting, 'cancelCallBack'), [], 'both are his own');
  },
);

t.test('who says an hour that it is nowhere where his number is has none promised for it', async (t) => {
  const rules = { ...returningRules(), callBackWish: () => 'zoneUnknown' as const };
  const driver = press(waiting(new Driver(calledArrival, rules).toMenu()), '1');
  t.same(allOf(driver, 'promiseCallBack'), []);
  t.same(said(driver), ['call-back-refused']);
});

t.test('a test call is promised by its own hours, and told by them', async (t) => {
  const hoursAheadMs = 13 * hourMs;
  const asked: (readonly [atMs: number, askedAtMs: number])[] = [];
  const rules: ContactRules = {
    ...returningRules(),
    callBackWish: ({ atMs }) => ({ wish: { kind: 'at', atMs: atMs + hourMs } }),
    spoken: (_lineId, atMs, askedAtMs) => {
      asked.push([atMs, askedAtMs]);
      return { date: '2023-11-15', time: '09:00', dayOffset: 0 };
    },
  };
  const evaluateAtMs = new Driver(calledArrival).nowMs + hoursAheadMs;
  const driver = press(waiting(new Driver({ ...calledArrival, evaluateAtMs }, rules).toMenu()), '1');
  const wishedMs = driver.nowMs + hourMs;
  t.match(lastPromise(driver), { hoursAheadMs, wish: { kind: 'at', atMs: wishedMs } }, 'by the clock');
  promised(driver);
  t.same(asked, [[driver.nowMs + hoursAheadMs, driver.nowMs + hoursAheadMs]]);
  t.notOk('hoursAheadMs' in lastPromise(press(waiting(), '1')), 'of no other call');
});

t.test('his own request in the making is the only one: what was concluded meanwhile is replaced', async (t) => {
  const speaking = (): Driver => {
    const driver = at(waiting(), 100_000);
    played(press(driver, '2'));
    return at(driver, 120_000).fire('ladder');
  };
  const finished = (driver: Driver): Driver => press(press(at(driver, 125_000), '#'), '1');
  const byCallBack = promised(speaking());
  t.same(said(byCallBack), [], 'not over his message');
  stored(finished(byCallBack), 'last');
  t.match(allOf(byCallBack, 'cancelCallBack'), [{ callBackId: made, why: 'replaced' }]);
  played(byCallBack);
  t.notOk(said(byCallBack).includes('concluded-call-back'));
  const later = speaking();
  stored(finished(later), 'last');
  promised(later);
  t.match(later.effects, [{ type: 'cancelCallBack', callBackId: made, why: 'replaced' }]);

  const byRequest = stored(refused(speaking()), 'first');
  stored(finished(byRequest), 'last');
  t.match(allOf(byRequest, 'closeRequest'), [{ caseId: 'case-first', why: 'replaced' }]);
  t.equal(byRequest.state.facts.caseId, 'case-last');
  const crossed = refused(speaking());
  stored(finished(crossed), 'last');
  stored(crossed, 'first');
  t.match(crossed.effects, [{ type: 'closeRequest', caseId: 'case-first', why: 'replaced' }]);
  t.equal(crossed.state.facts.caseId, 'case-last');
  t.notOk('numberToTell' in queuedIn(played(crossed)));
});

t.test('he hangs up while it is being promised: the contact waits for the answer and lets go', async (t) => {
  const driver = closed(hangUp(press(waiting(), '1')));
  t.notOk(driver.all.some(({ type }) => type === 'finish'));
  promised(driver);
  t.same(driver.effectTypes(), ['letGoCallBack', 'putRecord', 'finish']);
  t.equal(driver.state.facts.outcome, 'callBackPromised');
  const without = refused(closed(hangUp(at(waiting(), 110_000).fire('ladder'))));
  t.same(without.effectTypes(), ['putRecord', 'finish']);
  t.equal(without.state.facts.outcome, 'abandonedInQueue');
});

t.test('a caller with an open call-back gets its place back as a head start, and is told so once', async (t) => {
  const arriving = new Driver(calledArrival, returningRules());
  t.match(allOf(arriving, 'lookUpCaller'), [{ ani: '+79161234567', sinceMs: arriving.nowMs - 10 * minuteMs }]);
  const placeMs = arriving.nowMs - 30 * minuteMs;
  const callBacks = [
    { callBackId: found, queueId: 'called', placeMs },
    { callBackId: made, queueId: 'other', placeMs: 1 },
  ];
  const driver = arriving.feed({ type: 'callerKnown', callBacks, abandoned: [] }).toMenu();
  t.match(allOf(driver, 'holdCallBack'), [{ callBackId: found }, { callBackId: made }]);
  t.notOk(allOf(driver, 'enqueue')[0]?.headStartMs, 'not before it is held');
  const earnedMs = (driver.state.facts.enqueuedAtMs ?? 0) - placeMs;
  driver.feed({ type: 'callBackHeld', callBackId: found, outcome: 'held' });
  t.match(driver.effects, [{ type: 'setHeadStart', headStartMs: earnedMs }]);
  driver.feed({ type: 'callBackHeld', callBackId: made, outcome: 'dialling' });
  t.same(driver.effects, []);
  t.same(said(waiting(driver)), ['call-back-resumed']);
  played(driver);
  t.same(said(driver), []);
  at(driver, 45_000).fire('ladder');
  t.match(driver.effects, [{ type: 'setHeadStart', headStartMs: earnedMs + 30_000 }]);
  at(driver, 110_000).fire('ladder');
  at(driver, 120_000).fire('ladder');
  t.match(driver.effects, [{ type: 'setHeadStart', headStartMs: earnedMs }], 'never less than was earned');
  t.same(allOf(driver, 'promiseCallBack'), [], 'he holds one');

  const asking = (): Driver => {
    const caller = new Driver(calledArrival, returningRules());
    caller.feed({ type: 'callerKnown', callBacks: callBacks.slice(0, 1), abandoned: [] }).toMenu();
    return played(caller.feed({ type: 'placeKnown', position: 3, atArrival: true }));
  };
  const held = asking();
  t.same(said(held), [], 'a long wait, and not known yet what he holds');
  t.same(said(held.feed({ type: 'callBackHeld', callBackId: found, outcome: 'held' })), ['call-back-resumed']);
  const over = asking().feed({ type: 'callBackHeld', callBackId: found, outcome: 'over' });
  t.ok(over.state.timeline.some(({ kind }) => kind === 'choiceOffered'));
  driver.feed({
    type: 'recovered',
    nodeId: 'n2',
    legs: [{ legId: callerLegId, controlled: true, up: true }],
    playbacks: [],
    uncertain: [],
  });
  t.match(allOf(driver, 'enqueue').at(-1), { headStartMs: earnedMs, keepsPlace: true });
  const answered = joined(driver);
  t.match(allOf(answered, 'cancelCallBack'), [{ callBackId: found, why: 'answeredLive' }]);
});

t.test('an old place gives a head start of 55 minutes at most, whatever the ladder adds', async (t) => {
  const driver = waiting();
  const placeMs = driver.nowMs - dayMs;
  driver.feed({ type: 'callerKnown', callBacks: [{ callBackId: found, queueId: 'called', placeMs }], abandoned: [] });
  driver.feed({ type: 'callBackHeld', callBackId: found, outcome: 'held' });
  t.match(allOf(driver, 'setHeadStart').at(-1), { headStartMs: 55 * minuteMs });
  played(driver);
  at(driver, 45_000).fire('ladder');
  t.ok(driver.state.timeline.some(({ kind, facts }) => kind === 'rungTaken' && facts.rung === 'raise'));
  t.match(allOf(driver, 'setHeadStart').at(-1), { headStartMs: 55 * minuteMs }, 'below that of emergencies');
});

t.test('who calls in while he is being dialled is not called again when he was served', async (t) => {
  const dialled = { callBackId: found, queueId: 'called', placeMs: 1_699_999_000_000 };
  const calling = (): Driver => {
    const driver = waiting().feed({ type: 'callerKnown', callBacks: [dialled], abandoned: [] });
    driver.feed({ type: 'callBackHeld', callBackId: found, outcome: 'dialling' });
    t.same(driver.effects, [], 'his phone rings this moment: left alone');
    return driver;
  };
  const answered = joined(calling());
  t.match(answered.effects.at(-1), { type: 'holdCallBack', callBackId: found });
  answered.feed({ type: 'callBackHeld', callBackId: found, outcome: 'held' });
  t.match(answered.effects, [{ type: 'cancelCallBack', callBackId: found, why: 'answeredLive' }]);

  const stillDialled = joined(calling()).feed({ type: 'callBackHeld', callBackId: found, outcome: 'dialling' });
  hangUp(stillDialled);
  const asked = stillDialled.effects.filter(({ type }) => type === 'holdCallBack' || type === 'cancelCallBack');
  t.match(asked, [
    { type: 'holdCallBack', callBackId: found },
    { type: 'cancelCallBack', callBackId: found },
  ]);
  const unknown = joined(calling());
  hangUp(unknown);
  t.ok(unknown.effectTypes().includes('cancelCallBack'), 'asked for, and hung up before the answer');
  t.notOk(unknown.effectTypes().includes('letGoCallBack'));

  const leaving = calling();
  hangUp(leaving);
  t.same([...allOf(leaving, 'letGoCallBack'), ...allOf(leaving, 'cancelCallBack')], [], 'it goes its way');
});

t.test('of two call-backs that a number has in a queue he takes one: the other is another caller’s', async (t) => {
  const other = asId<CallBackId>('b-other');
  const two = [found, other].map((callBackId) => ({ callBackId, queueId: 'called', placeMs: 1_699_999_000_000 }));
  const known = (): Driver => waiting().feed({ type: 'callerKnown', callBacks: two, abandoned: [] });
  const driver = known();
  t.match(driver.effects, [{ type: 'holdCallBack', callBackId: found }]);
  joined(driver.feed({ type: 'callBackHeld', callBackId: found, outcome: 'held' }));
  hangUp(driver);
  t.match(allOf(driver, 'cancelCallBack'), [{ callBackId: found }]);
  t.equal(allOf(driver, 'holdCallBack').length, 1);
  for (const outcome of ['over', 'dialling'] as const) {
    const second = known().feed({ type: 'callBackHeld', callBackId: found, outcome });
    t.match(second.effects, [{ type: 'holdCallBack', callBackId: other }], outcome);
    joined(second.feed({ type: 'callBackHeld', callBackId: other, outcome: 'held' }));
    t.match(allOf(second, 'cancelCallBack'), [{ callBackId: other }]);
    t.equal(allOf(hangUp(second), 'holdCallBack').length, 2, outcome);
  }
});

t.test('known late, his place is given back late; who hangs up again is called back', async (t) => {
  const driver = waiting();
  const placeMs = driver.nowMs - 3 * minuteMs;
  driver.feed({ type: 'callerKnown', callBacks: [{ callBackId: found, queueId: 'called', placeMs }], abandoned: [] });
  t.same(driver.effectTypes(), ['holdCallBack']);
  driver.feed({ type: 'callBackHeld', callBackId: found, outcome: 'held' });
  t.same(driver.effectTypes(), ['setHeadStart', 'playToBridge']);
  t.same(said(driver), ['call-back-resumed']);
  hangUp(driver);
  t.match(allOf(driver, 'letGoCallBack'), [{ callBackId: found }]);
  t.equal(driver.state.facts.outcome, 'callBackPromised');
  const talking = joined(waiting());
  talking.feed({ type: 'callerKnown', callBacks: [{ callBackId: found, queueId: 'called', placeMs }], abandoned: [] });
  talking.feed({ type: 'callBackHeld', callBackId: found, outcome: 'held' });
  t.match(talking.effects, [{ type: 'cancelCallBack', callBackId: found }]);
  const gone = waiting();
  gone.feed({ type: 'callerKnown', callBacks: [{ callBackId: found, queueId: 'called', placeMs }], abandoned: [] });
  hangUp(gone);
  t.match(allOf(gone, 'letGoCallBack'), [{ callBackId: found }], 'held or not by now');
});

t.test('a place given up a while ago is given back with the queueing, named in the timeline', async (t) => {
  const arriving = new Driver(calledArrival, returningRules());
  const gaveUp = (minutes: number, contactId: string) => ({
    contactId: asId<ContactId>(contactId),
    queueId: 'called',
    placeMs: arriving.nowMs - (minutes + 2) * minuteMs,
    endedAtMs: arriving.nowMs - minutes * minuteMs,
  });
  const abandoned = [gaveUp(4, 'c-before'), { ...gaveUp(1, 'c-elsewhere'), queueId: 'general' }];
  const driver = arriving.feed({ type: 'callerKnown', callBacks: [], abandoned }).toMenu();
  t.match(allOf(driver, 'enqueue'), [{ headStartMs: 6 * minuteMs, enqueuedAtMs: driver.nowMs }]);
  t.match(
    driver.state.timeline.find(({ kind }) => kind === 'placeReturned'),
    { facts: { by: 'abandoned', from: 'c-before' } },
  );
  t.ok(driver.effectTypes().includes('putRecord'), 'nobody else gets it');
  t.same(said(waiting(driver)), ['place-returned']);
  hangUp(driver);
  t.equal(driver.state.facts.outcome, 'abandonedInQueue');
  const late = new Driver(calledArrival, returningRules());
  late.feed({ type: 'callerKnown', callBacks: [], abandoned: [gaveUp(11, 'c-old')] }).toMenu();
  t.notOk(allOf(late, 'enqueue')[0]?.headStartMs, 'too long ago for this queue');
});

t.test('closing time: served for the grace and told so, then asked what is to become of his wait', async (t) => {
  const closesAtMs = new Driver(calledArrival).nowMs + 60_000;
  const closing = (): Driver => waiting(entering(calledArrival, closesAtMs));
  const driver = closing();
  t.equal(driver.state.timers.lineClosed, closesAtMs);
  driver.fire('lineClosed');
  t.same(said(driver), ['closing-grace']);
  t.equal(driver.state.timers.lineClosed, closesAtMs + 5 * minuteMs);
  played(driver).feed({ type: 'placeKnown' });
  t.same(said(driver), [], 'once');
  driver.fire('lineClosed');
  t.ok(driver.effectTypes().includes('withdraw'));
  t.same(said(driver), ['speak-message', 'beep']);
  t.equal(driver.state.phase.name, 'voice');
  t.equal(driver.state.timers.lineClosed, undefined);

  const ringing = closing().fire('lineClosed');
  played(ringing);
  at(ringing, 60_000 + 5 * minuteMs - 2_000).feed(offer);
  ringing.fire('lineClosed');
  t.equal(queuedIn(ringing).offer?.offerId, 'o1', 'who is being rung for is still answered');
  t.ok(ringing.fire('ring').effectTypes().includes('withdraw'));

  const visiting = closing().fire('lineClosed');
  played(visiting);
  at(visiting, 5 * minuteMs);
  played(press(visiting, '2'));
  visiting.fire('lineClosed');
  t.ok(queuedIn(visiting).visit, 'he ends what he says');
  press(press(visiting, '#'), '1');
  stored(visiting, 'last');
  played(visiting);
  t.equal(visiting.state.phase.name, 'voice');
});

t.test('closing time is looked at again when it comes, and by a test’s own clock', async (t) => {
  const { nowMs } = new Driver(calledArrival);
  let closesAtMs = nowMs + 60_000;
  const hours = {
    lineHours: (_line: string, atMs: number) => (atMs < closesAtMs ? { open: true, closesAtMs } : { open: false }),
  };
  const rules = { ...returningRules(), ...hours };
  const driver = waiting(new Driver(calledArrival, rules).toMenu());
  closesAtMs += 10 * minuteMs;
  driver.fire('lineClosed');
  t.same(said(driver), [], 'prolonged');
  t.equal(driver.state.timers.lineClosed, closesAtMs);
  driver.fire('lineClosed');
  t.same(said(driver), ['closing-grace']);
  closesAtMs += 60 * minuteMs;
  played(driver).fire('lineClosed');
  t.equal(queuedIn(driver).closing?.state, 'open', 'prolonged during the grace');

  const evaluateAtMs = closesAtMs - 20_000;
  const tested = waiting(new Driver({ ...calledArrival, evaluateAtMs }, rules).toMenu());
  t.equal(tested.state.timers.lineClosed, tested.state.arrivedAtMs + 20_000);
  const always = waiting();
  t.equal(always.state.timers.lineClosed, undefined);
});

t.test('who goes on listening past the grace is asked after a bound; what he was saying is kept', async (t) => {
  const closesAtMs = new Driver(calledArrival).nowMs + 60_000;
  const driver = waiting(entering(calledArrival, closesAtMs)).fire('lineClosed');
  played(driver);
  at(driver, 6 * minuteMs - 5_000);
  press(driver, '3');
  driver.fire('lineClosed');
  driver.fire('lineClosed');
  t.equal(driver.nowMs, closesAtMs + 8 * minuteMs);
  t.equal(driver.state.phase.name, 'voice');
  t.ok(driver.effectTypes().includes('withdraw'));
});

/** The lane of the records, and what its effects come to in rooms that do what they are asked. */
class Rooms {
  readonly callBacks = new Map<string, 'scheduled' | 'held' | 'dialling' | 'cancelled'>([
    ['b-open', 'scheduled'],
    ['b-elsewhere', 'dialling'],
  ]);
  readonly cases = new Map<string, 'registered' | 'closed'>();
  readonly #driver: Driver;
  #done = 0;
  finished = false;

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  /** Carries out the next effect of the lane; false: there is none. */
  next(chance: number): boolean {
    const effect = this.#driver.all.slice(this.#done).find(({ type }) => inRecords.has(type));
    if (effect === undefined || this.finished) return false;
    this.#done = this.#driver.all.indexOf(effect, this.#done) + 1;
    this.finished = effect.type === 'finish';
    const event = this.#answer(effect, chance);
    if (event !== undefined) this.#driver.feed(event);
    return true;
  }

  #answer(effect: ContactEffect, chance: number): ContactEvent | undefined {
    const { nowMs } = this.#driver;
    switch (effect.type) {
      case 'lookUpCaller': {
        const placeMs = nowMs - 30 * minuteMs;
        const callBacks = ['b-open', 'b-elsewhere'].map((id) => ({
          callBackId: asId<CallBackId>(id),
          queueId: id === 'b-open' ? 'called' : 'general',
          placeMs,
        }));
        return chance % 2 === 0 ? { type: 'callerKnown', callBacks, abandoned: [] } : undefined;
      }
      case 'promiseCallBack': {
        const { idempotencyKey, queueId, placeMs } = effect;
        if (chance % 3 === 0) return { type: 'callBackRefused', idempotencyKey, why: 'noRoom' };
        if (chance % 7 === 0) return { type: 'effectFailed', effect: 'promiseCallBack', why: 'FAILED', idempotencyKey };
        const open = [...this.callBacks].find(
          ([id, state]) => id !== 'b-elsewhere' && (state === 'held' || state === 'scheduled'),
        )?.[0];
        const callBackId = asId<CallBackId>(open ?? `b-${idempotencyKey}`);
        this.callBacks.set(callBackId, 'held');
        return { type: 'callBackPromised', idempotencyKey, callBackId, queueId, placeMs, dueAtMs: nowMs };
      }
      case 'holdCallBack': {
        if (this.callBacks.get(effect.callBackId) === 'dialling' && chance % 5 === 0)
          this.callBacks.set(effect.callBackId, 'scheduled'); // he was not reached
        const state = this.callBacks.get(effect.callBackId);
        const mayHold = state === 'scheduled' || state === 'held';
        if (mayHold) this.callBacks.set(effect.callBackId, 'held');
        const outcome = mayHold ? 'held' : state === 'dialling' ? 'dialling' : 'over';
        return { type: 'callBackHeld', callBackId: effect.callBackId, outcome };
      }
      case 'letGoCallBack':
      case 'cancelCallBack':
        if (this.callBacks.get(effect.callBackId) === 'held')
          this.callBacks.set(effect.callBackId, effect.type === 'letGoCallBack' ? 'scheduled' : 'cancelled');
        return undefined;
      case 'storeRequest': {
        const { idempotencyKey } = effect;
        if (chance % 11 === 0) return { type: 'effectFailed', effect: 'storeRequest', why: 'FAILED', idempotencyKey };
        this.cases.set(`case-${idempotencyKey}`, 'registered');
        const caseId = asId<CaseId>(`case-${idempotencyKey}`);
        return { type: 'requestStored', caseId, caseNumber: '12345', idempotencyKey };
      }
      case 'closeRequest':
        this.cases.set(effect.caseId, 'closed');
        return undefined;
      default:
        return undefined;
    }
  }
}

const inRecords: ReadonlySet<string> = new Set<ContactEffect['type']>([
  'lookUpCaller',
  'promiseCallBack',
  'holdCallBack',
  'letGoCallBack',
  'cancelCallBack',
  'storeRequest',
  'closeRequest',
  'finish',
]);

/** One thing that happens while he waits. */
function happens(driver: Driver, chance: number): void {
  const { phase, timers, legs } = driver.state;
  const kind = chance % 12;
  if (kind < 3) press(driver, '123#0*'.charAt(chance % 6));
  else if (kind < 6) {
    const dialogue = phase.name === 'queued' ? (phase.visit ?? phase) : phase;
    if ('playback' in dialogue && dialogue.playback !== undefined) played(driver);
  } else if (kind < 9) {
    const [next] = Object.entries(timers).sort(([, one], [, other]) => one - other);
    if (next !== undefined) driver.fire(next[0] as keyof typeof timers);
  } else if (kind === 9) driver.feed({ ...offer, offerId: asId<OfferId>(`o${chance}`) } as ContactEvent);
  else if (kind === 10 && phase.name === 'queued' && phase.offer !== undefined && chance % 5 === 0)
    driver.feed({ type: 'legAnswered', legId: legs.at(-1)?.legId ?? callerLegId });
  else if (phase.name === 'joining')
    driver.feed({ type: chance % 2 === 0 ? 'offerConfirmed' : 'offerStale', offerId: phase.offer.offerId });
}

function faultOf(driver: Driver, { callBacks, cases, finished }: Rooms): string | undefined {
  const { facts, timeline } = driver.state;
  const states = [...callBacks.values()];
  if (!finished) return 'not finished';
  if (states.includes('held')) return 'a call-back is held by nobody';
  const dialled = callBacks.get('b-elsewhere');
  if (states.filter((state) => state === 'scheduled').length > (dialled === 'scheduled' ? 2 : 1))
    return 'two call-backs';
  const isServed = facts.outcome === 'answeredByOperator';
  if (isServed && dialled === 'scheduled') return 'answered while he was dialled, and dialled again';
  const held = timeline.filter(({ kind }) => ['callBackHeld', 'callBackPromised', 'callBackLetGo'].includes(kind));
  const has = (state: string) => held.some(({ facts: { callBackId } }) => callBacks.get(String(callBackId)) === state);
  if (isServed && has('scheduled')) return 'answered, and called back all the same';
  if (!isServed && timeline.some(({ kind, facts: { why } }) => kind === 'callBackCancelled' && why === 'answeredLive'))
    return 'not answered, and not called back';
  if (has('scheduled') !== (facts.outcome === 'callBackPromised') && facts.outcome !== 'requestLeft' && !isServed)
    return `outcome ${facts.outcome}`;
  const open = [...cases].filter(([, state]) => state === 'registered').length;
  const byHim = driver.all.filter(({ type }) => type === 'storeRequest').length - concludedIn(driver);
  const told = timeline.some(
    ({ kind, facts: { prompts } }) =>
      kind === 'announced' && Array.isArray(prompts) && prompts.includes('ru/concluded-request'),
  );
  // Who has been told a number and leaves another request wants both.
  if (told) return undefined;
  return open > Math.max(byHim, isServed ? 0 : 1) ? `${open} requests, ${byHim} of them his own` : undefined;
}

const concludedIn = (driver: Driver): number =>
  driver.state.timeline.filter(({ kind, facts }) => kind === 'concluded' && facts.by === 'request').length;

t.test('whatever happens, and however late the answers: let go or cancelled, once, and one promise', async (t) => {
  const chances = fc.array(fc.nat(), { minLength: 20, maxLength: 120 });
  const property = fc.property(chances, fc.boolean(), (all, closes) => {
    const start = new Driver(calledArrival).nowMs;
    const driver = entering(calledArrival, closes ? start + minuteMs : undefined);
    const rooms = new Rooms(driver);
    for (const chance of all) {
      if (['closing', 'talking'].includes(driver.state.phase.name) && chance % 4 === 0) break;
      if (chance % 3 === 0) rooms.next(Math.floor(chance / 3));
      else happens(driver, Math.floor(chance / 3));
    }
    hangUp(driver);
    for (const { legId } of driver.state.legs) driver.feed({ type: 'legEnded', legId, cause: 'normal' });
    const { phase } = driver.state;
    if (phase.name === 'closing' && phase.wrapUp) driver.feed({ type: 'wrapUpOver', ...phase.wrapUp });
    closed(driver);
    for (let chance = all.length; rooms.next(chance); chance += 1);
    const fault = faultOf(driver, rooms);
    if (fault !== undefined) throw new Error(`${fault}: ${driver.kinds().join()}`);
  });
  const details = fc.check(property, { numRuns: 1_000 });
  t.comment(`seed ${details.seed}, ${details.numRuns} runs`);
  t.notOk(details.failed, `${String(details.errorInstance)} ${fc.defaultReportMessage(details)}`);
});

t.test('the configuration says when a line closes, whom a topic is for, and what o’clock callers mean', async (t) => {
  const { config } = await loaded();
  const rules = rulesFromConfig(config, 'v1');
  t.same(rules.returning, { abandonedWithinMs: 10 * minuteMs });
  t.equal(rules.queue('general')?.abandonedPlaceMs, 10 * minuteMs);
  t.equal(rules.queue('general')?.closing?.graceMs, 10 * minuteMs);
  t.equal(rules.queue('emergency')?.closing, undefined);
  const friday = Date.parse('2026-11-20T16:30:00Z');
  t.same(rules.lineHours('general', friday), { open: true, closesAtMs: Date.parse('2026-11-20T17:00:00Z') });
  t.same(rules.lineHours('general', friday + 60 * minuteMs), { open: false });
  t.equal(rules.lineHours('nowhere', friday), undefined);
  t.equal(rules.callBackQueue('general', 'documents'), 'documents');
  t.equal(rules.callBackQueue('general', 'anything'), 'general');
  t.same(rules.spoken('general', Date.parse('2026-11-21T06:00:00Z'), friday), {
    date: '2026-11-21',
    time: '09:00',
    dayOffset: 1,
  });
  const wish = { kind: 'at', dayOffset: 1, hour: 10 } as const;
  const number = '+79161234567';
  const wanted = (localHour?: number) =>
    rules.callBackWish({
      lineId: 'general',
      atMs: friday,
      wish,
      number,
      ...(localHour === undefined ? {} : { localHour }),
    });
  t.same(wanted(), { wish: { kind: 'at', atMs: Date.parse('2026-11-21T10:00:00+03:00') } });
  t.same(wanted(23), { wish: { kind: 'at', atMs: Date.parse('2026-11-21T10:00:00+07:00') }, utcOffsetMinutes: 420 });
  t.match(wanted(2), { utcOffsetMinutes: 600 }, 'the next day already');
  t.match(wanted(18), { utcOffsetMinutes: 120 });
  t.equal(wanted(14), 'zoneUnknown', 'nowhere in Russia');
});

async function loaded() {
  const result = await loadHotlineConfig(fileURLToPath(new URL('../../config', import.meta.url)), { settings: {} });
  if (!result.ok) throw new Error(result.faults.map(describeFault).join('\n'));
  return result;
}
