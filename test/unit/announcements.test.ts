import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { parse } from 'yaml';
import {
  type Announcements,
  announcementEnded,
  announcementSheetSchema,
  announcementsInFlow,
  announcementsOf,
  beginTelling,
  keyWhileWaiting,
  type SaidWait,
  type SayItem,
  type SpokenWait,
  type Told,
  tell,
  tellAtOnce,
  waitClasses,
  waitToSay,
} from '../../src/ivr/index.ts';

const shipped = announcementSheetSchema.parse(
  parse(readFileSync(join(import.meta.dirname, '../../config/announcements.yaml'), 'utf8')),
);
const second = 1_000;
const minute = 60 * second;

/** A short name of a wait, as it would be said. */
function nameOf(wait: SpokenWait): string {
  return wait.kind === 'between' ? `${wait.minutes}-${wait.toMinutes}` : `${wait.kind} ${wait.minutes}`;
}

t.test('an estimate is rounded as people speak', async (t) => {
  const named: readonly (readonly [number, string])[] = [
    [0, 'lessThan 1'],
    [44, 'lessThan 1'],
    [45, 'about 1'],
    [89, 'about 1'],
    [90, 'about 2'],
    [149, 'about 2'],
    [150, '3-5'],
    [299, '3-5'],
    [300, '5-10'],
    [600, '10-15'],
    [900, '15-20'],
    [1_200, '20-30'],
    [1_800, '30-60'],
    [3_599, '30-60'],
    [3_600, 'moreThan 60'],
    [Number.POSITIVE_INFINITY, 'moreThan 60'],
  ];
  for (const [seconds, expected] of named) {
    t.equal(nameOf(waitToSay(seconds * second, 0, undefined).wait), expected, `${seconds} s`);
  }
});

t.test('the words change only when the estimate has clearly left them', async (t) => {
  const said = waitToSay(100 * second, 0, undefined);
  t.equal(nameOf(said.wait), 'about 2');
  const after = (seconds: number): string => nameOf(waitToSay(seconds * second, 0, said.said).wait);
  t.same([80, 95, 150, 170].map(after), ['about 2', 'about 2', 'about 2', 'about 2']);
  t.same([76, 173, 320, 20].map(after), ['about 1', '3-5', '5-10', 'lessThan 1']);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4_000 }),
      fc.array(fc.integer({ min: -8, max: 8 }), { maxLength: 50 }),
      (start, noise) => {
        let before = waitToSay(start * second, 0, undefined);
        let changes = 0;
        for (const seconds of noise) {
          const next = waitToSay((start + seconds) * second, 0, before.said);
          if (next.said.waitClass !== before.said.waitClass) changes++;
          before = next;
        }
        return changes <= 1;
      },
    ),
  );
});

t.test('a promise of time is never extended without saying so', async (t) => {
  const first = waitToSay(100 * second, 0, undefined);
  t.match(first, { change: 'first', said: { promisedByMs: 150 * second } });
  t.match(waitToSay(60 * second, 40 * second, first.said), { change: 'kept', said: { promisedByMs: 130 * second } });
  const later = waitToSay(100 * second, 120 * second, first.said);
  t.match(later, { wait: { kind: 'about', minutes: 2 }, change: 'longer', said: { promisedByMs: 270 * second } });
  t.equal(waitToSay(30 * second, 151 * second, first.said).change, 'longer', 'the promised time has passed');
  const estimates = fc.array(fc.tuple(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 0, max: 5_000 })));
  fc.assert(
    fc.property(estimates, (told) => {
      let nowMs = 0;
      let said: SaidWait | undefined;
      for (const [passed, estimate] of told) {
        nowMs += passed * second;
        const next = waitToSay(estimate * second, nowMs, said);
        const promised = said?.promisedByMs;
        if (next.change === 'kept' && promised !== undefined && (next.said.promisedByMs ?? Infinity) > promised)
          return false;
        said = next.said;
      }
      return true;
    }),
  );
  t.equal(
    waitClasses.every(({ belowMs }, i) => belowMs > (waitClasses[i - 1]?.belowMs ?? 0)),
    true,
  );
});

const queue: Announcements = announcementSheetSchema.parse({
  standard: {
    firstAfterMs: 10 * second,
    everyMs: 30 * second,
    comfort: ['comfort-thanks', 'comfort-place'],
    keys: {
      '*': { hint: 'press-menu', node: 'topics' },
      '1': { hint: 'press-call-back', does: 'tell' },
      '3': { hint: 'press-questions', node: 'information' },
    },
    keysEvery: 3,
  },
}).standard;

const names = (say: readonly SayItem[]): readonly string[] =>
  say.flatMap((item) => {
    if ('prompt' in item) return item.prompt.startsWith('numerals/') ? [] : [item.prompt];
    if ('place' in item) return [`place ${item.place}`];
    if ('wait' in item) return [nameOf(item.wait)];
    return 'key' in item ? [`key ${item.key}`] : [];
  });

t.test('place and estimate first, comfort in turn while nothing is new, keys every third time', async (t) => {
  let told: Told = beginTelling(queue, 0);
  const ask = (nowMs: number, place: number, estimateMs: number) => {
    const telling = tell(queue, told, { nowMs, place, estimateMs, hearing: 'music' });
    told =
      telling.told.nextAtMs === undefined ? announcementEnded(queue, telling.told, nowMs + 8 * second) : telling.told;
    return names(telling.say);
  };
  t.same(ask(9 * second, 5, 4 * minute), []);
  const keys = ['press-call-back', 'key 1', 'press-questions', 'key 3', 'press-menu', 'key *'];
  t.same(ask(10 * second, 5, 4 * minute), ['place 5', 'estimate-left', '3-5', ...keys]);
  t.same(ask(47 * second, 5, 4 * minute), [], 'music in between');
  t.same(ask(48 * second, 5, 4 * minute), ['comfort-thanks']);
  t.same(ask(86 * second, 6, 4 * minute), ['comfort-place'], 'a worse place is not told');
  t.same(ask(124 * second, 3, 2 * minute), ['place 3', 'estimate-left', 'about 2', ...keys]);
  t.same(ask(162 * second, 3, 100 * second), ['comfort-thanks']);
  t.same(
    ask(330 * second, 3, 3 * minute),
    ['estimate-longer', 'estimate-left', '3-5'],
    'a promise that has not been kept is told by itself',
  );
  t.same(ask(368 * second, 1, 20 * second), ['place 1', 'estimate-left', 'lessThan 1', ...keys]);
});

t.test('nothing is spoken over a prompt, a dialogue or a key', async (t) => {
  const told = beginTelling(queue, 0);
  t.same(tell(queue, told, { nowMs: minute, place: 1, hearing: 'other' }), { say: [], told });
  const pressed = keyWhileWaiting(queue, told, { key: '5', nowMs: 9 * second });
  t.equal(pressed.does, undefined, 'a key that means nothing');
  const early = tell(queue, pressed.told, { nowMs: 10 * second, place: 1, hearing: 'music' });
  t.same(early, { say: [], told: pressed.told, askAgainAtMs: 17 * second });
  t.ok(tell(queue, pressed.told, { nowMs: 17 * second, place: 1, hearing: 'music' }).say.length > 0);
  const { told: speaking } = tell(queue, told, { nowMs: 10 * second, place: 4, hearing: 'music' });
  t.equal(speaking.nextAtMs, undefined);
  t.same(tell(queue, speaking, { nowMs: 11 * second, place: 1, hearing: 'music' }).say, [], 'one at a time');
  const chosen = keyWhileWaiting(queue, speaking, { key: '1', nowMs: 11 * second });
  t.same(chosen, { does: { hint: 'press-call-back', does: 'tell' }, told: speaking });
});

t.test('place and estimate on request, news or not', async (t) => {
  const told = { announcements: 1, comforts: 0, nextAtMs: minute, place: 3 };
  const asked = tellAtOnce(queue, told, { nowMs: 40 * second, place: 4, estimateMs: minute });
  t.same(names(asked.say), ['place 4', 'estimate-left', 'about 1']);
  t.equal(asked.told.place, 3, 'the best place said stays');
  t.equal(asked.told.nextAtMs, undefined);
  t.same(tellAtOnce(queue, told, { nowMs: 40 * second }), { say: [], told, askAgainAtMs: minute });
});

t.test('settings: what is left out, what a flow does not have, what a queue wants otherwise', async (t) => {
  const bare = announcementSheetSchema.parse({});
  t.same(
    names(tell(bare.standard, beginTelling(bare.standard, 0), { nowMs: minute, place: 2, hearing: 'music' }).say),
    ['place 2'],
  );
  const nothing = tell(bare.standard, beginTelling(bare.standard, 0), { nowMs: minute, hearing: 'music' });
  t.match(nothing, { say: [], askAgainAtMs: 90 * second });
  const inFlow = announcementsInFlow(queue, { nodes: { topics: { type: 'hangup', outcome: 'informed' } } });
  t.same(Object.keys(inFlow.keys).sort(), ['*', '1']);
  const emergency = announcementsOf(shipped, 'emergency');
  t.same([emergency.place, emergency.keys], ['never', {}]);
  t.same(announcementsOf(shipped, 'general').keys['1'], { hint: 'press-call-back-place', node: 'callBackSoon' });
  const aloud = { ...queue, place: 'never' } as const;
  const estimate = tell(aloud, beginTelling(aloud, 0), {
    nowMs: minute,
    place: 2,
    estimateMs: minute,
    hearing: 'music',
  });
  t.same(names(estimate.say).slice(0, 2), ['estimate-left', 'about 1'], 'an estimate without the place');
  const again = (estimateMs: number) =>
    names(
      tell(aloud, beginTelling(aloud, 0, estimate.told.wait), { nowMs: minute, estimateMs, hearing: 'music' }).say,
    )[0];
  t.same([minute, 10 * second].map(again), ['comfort-thanks', 'estimate-left'], 'said again only when it is shorter');
  for (const wrong of [{ everyMs: 5_000 }, { keys: { A: { hint: 'press-menu', node: 'topics' } } }, { keysEvery: 0 }]) {
    t.notOk(announcementSheetSchema.safeParse({ standard: wrong }).success);
  }
});

t.test('over any course of places, estimates and keys the caller gets music between, and no worse place', async () => {
  const happening = fc.record({
    passed: fc.integer({ min: 0, max: 40 }),
    place: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
    estimate: fc.option(fc.integer({ min: 0, max: 900 }), { nil: undefined }),
    key: fc.option(fc.constantFrom('0', '1', '3', '7', '*', '#'), { nil: undefined }),
    hearing: fc.constantFrom('music', 'other'),
    speechSeconds: fc.integer({ min: 1, max: 30 }),
  });
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (course) => {
      let told = beginTelling(queue, 0);
      let nowMs = 0;
      let endedMs = Number.NEGATIVE_INFINITY;
      let keyMs = Number.NEGATIVE_INFINITY;
      let best = Infinity;
      for (const { passed, place, estimate, key, hearing, speechSeconds } of course) {
        nowMs += passed * second;
        if (key !== undefined) {
          told = keyWhileWaiting(queue, told, { key, nowMs }).told;
          keyMs = nowMs;
        }
        const telling = tell(queue, told, {
          nowMs,
          hearing,
          ...(place === undefined ? {} : { place }),
          ...(estimate === undefined ? {} : { estimateMs: estimate * second }),
        });
        // Stored with the contact between steps.
        told = JSON.parse(JSON.stringify(telling.told)) as Told;
        if (telling.say.length === 0) continue;
        if (hearing === 'other' || nowMs < endedMs + queue.everyMs || nowMs < keyMs + queue.quietAfterKeyMs)
          return false;
        for (const item of telling.say) {
          if (!('place' in item)) continue;
          if (item.place >= best) return false;
          best = item.place;
        }
        nowMs += speechSeconds * second;
        endedMs = nowMs;
        told = announcementEnded(queue, told, nowMs);
      }
      return true;
    }),
  );
});
