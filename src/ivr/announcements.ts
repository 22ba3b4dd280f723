import { z } from 'zod';
import { minuteMs, secondMs } from '../foundation/index.ts';
import type { Flow } from './flow.ts';
import type { SayItem } from './say.ts';
import { type SaidWait, waitToSay } from './spoken-wait.ts';

const id = z.string().regex(/^[a-z][A-Za-z0-9-]*$/, 'an id: letters, digits and hyphens, a small letter first');
const key = z.string().regex(/^[0-9*#]$/, 'a telephone key: 0–9, * or #');

/** What a key does while the caller waits; whatever it is, the place stays his. `hint` is said ahead of «нажмите» and the key. */
const waitingKeySchema = z.union([
  /** Says place and estimate at once. */
  z.strictObject({ hint: id, does: z.literal('tell') }),
  /** A node of the line's flow: a call-back, a request, frequent questions, the menu. */
  z.strictObject({ hint: id, node: id }),
]);

/** What the callers of a queue are told while they wait. */
const announcementsSchema = z.strictObject({
  /** From entering the queue; the welcome is said before. */
  firstAfterMs: z
    .int()
    .min(0)
    .max(10 * minuteMs)
    .default(10 * secondMs),
  /** Music between the end of one announcement and the next: at least 10 s, or the caller hears nothing else. */
  everyMs: z
    .int()
    .min(10 * secondMs)
    .max(10 * minuteMs)
    .default(30 * secondMs),
  /** After a key nothing is announced for so long, the caller is doing something; never longer than the least `everyMs`. */
  quietAfterKeyMs: z
    .int()
    .min(secondMs)
    .max(10 * secondMs)
    .default(8 * secondMs),
  /** `place`: «вы третий в очереди»; `ahead`: «перед вами два звонка». */
  place: z.enum(['place', 'ahead', 'never']).default('ahead'),
  estimate: z.enum(['withPlace', 'never']).default('withPlace'),
  /** Said in turn when there is nothing new to tell. */
  comfort: z.array(id).max(20).default([]),
  keys: z.record(key, waitingKeySchema).default({}),
  /** The keys are named in every so manieth announcement, the first included. */
  keysEvery: z.int().min(1).max(20).default(2),
});

/** config/announcements.yaml. A queue that is not named has `standard`; what a queue's entry leaves out has its default, not that of `standard`. */
export const announcementSheetSchema = z.strictObject({
  standard: announcementsSchema.prefault({}),
  queues: z.record(z.string(), announcementsSchema).default({}),
});

export type WaitingKey = Readonly<z.infer<typeof waitingKeySchema>>;
export type Announcements = Readonly<z.infer<typeof announcementsSchema>>;
export type AnnouncementSheet = Readonly<z.infer<typeof announcementSheetSchema>>;

export function announcementsOf(sheet: AnnouncementSheet, queueId: string): Announcements {
  return sheet.queues[queueId] ?? sheet.standard;
}

/** Without the keys that lead to nodes the caller's flow does not have: a line of few topics may have no frequent questions. */
export function announcementsInFlow(settings: Announcements, flow: Pick<Flow, 'nodes'>): Announcements {
  const kept = Object.entries(settings.keys).filter(
    ([, does]) => !('node' in does) || Object.hasOwn(flow.nodes, does.node),
  );
  return { ...settings, keys: Object.fromEntries(kept) };
}

/** Every prompt that the settings can have said; those of the service itself included. */
export function announcedPrompts(settings: Announcements): readonly string[] {
  const hints = Object.values(settings.keys).map(({ hint }) => hint);
  return [...settings.comfort, ...hints, ...Object.values(ownPrompts)];
}

const ownPrompts = {
  estimate: 'estimate-left',
  longer: 'estimate-longer',
  press: 'numerals/press',
  breath: 'numerals/pause',
} as const;

/**
 * quiet ──tell──▶ speaking ──announcementEnded──▶ quiet. Plain JSON, stored with the contact while it waits, so that a restart tells
 * nobody a worse place or another wait than he has heard.
 */
export interface Told {
  /** Undefined while an announcement is being said. */
  readonly nextAtMs?: number;
  /** The best place said so far. */
  readonly place?: number;
  readonly wait?: SaidWait;
  /** Announcements so far, and comfort messages among them. */
  readonly announcements: number;
  readonly comforts: number;
}

/** What is known of the contact at this moment. `estimateMs` is left out when nobody on duty can serve it. */
export interface WaitingMoment {
  readonly nowMs: number;
  readonly place?: number;
  readonly estimateMs?: number;
  /** Music only; anything else (a prompt, a dialogue, an operator being rung) is not spoken over. */
  readonly hearing: 'music' | 'other';
}

export interface Telling {
  /** Nothing when nothing is due. Music goes on by itself behind it. */
  readonly say: readonly SayItem[];
  readonly told: Told;
  /** When to ask again. Undefined: not before the announcement has ended, or the caller hears music again. */
  readonly askAgainAtMs?: number;
}

/** `wait`: what the caller was told on arrival, when he was. */
export function beginTelling(settings: Announcements, enqueuedAtMs: number, wait?: SaidWait): Told {
  const nextAtMs = enqueuedAtMs + settings.firstAfterMs;
  return { nextAtMs, announcements: 0, comforts: 0, ...(wait === undefined ? {} : { wait }) };
}

/** What is announced now. Early, late or twice, asking does no harm. */
export function tell(settings: Announcements, told: Told, moment: WaitingMoment): Telling {
  if (told.nextAtMs === undefined || moment.hearing === 'other') return { say: [], told };
  if (moment.nowMs < told.nextAtMs) return { say: [], told, askAgainAtMs: told.nextAtMs };
  const news = newsOf(settings, told, moment);
  const comfort = news.say.length > 0 ? undefined : settings.comfort[told.comforts % settings.comfort.length];
  const comforting: readonly SayItem[] = comfort === undefined ? [] : [{ prompt: comfort }];
  const hints = told.announcements % settings.keysEvery === 0 ? keyHints(settings) : [];
  const say = [...news.say, ...comforting, ...hints];
  if (say.length === 0) {
    const nextAtMs = moment.nowMs + settings.everyMs;
    return { say, told: { ...told, announcements: told.announcements + 1, nextAtMs }, askAgainAtMs: nextAtMs };
  }
  return {
    say,
    told: {
      ...speaking(told, news),
      announcements: told.announcements + 1,
      comforts: told.comforts + comforting.length,
    },
  };
}

/** Place and estimate on the caller's own request, whether or not they are news. */
export function tellAtOnce(settings: Announcements, told: Told, moment: Omit<WaitingMoment, 'hearing'>): Telling {
  const { wait } = told;
  const asked = { announcements: told.announcements, comforts: told.comforts, ...(wait === undefined ? {} : { wait }) };
  const news = newsOf(settings, asked, moment);
  if (news.say.length === 0)
    return { say: [], told, ...(told.nextAtMs === undefined ? {} : { askAgainAtMs: told.nextAtMs }) };
  const place = lesser(told.place, news.place);
  return { say: news.say, told: speaking(told, { ...news, ...(place === undefined ? {} : { place }) }) };
}

/** The announcement has been heard, cut short or lost; or a dialogue is over and the caller hears music again. */
export function announcementEnded(settings: Announcements, told: Told, nowMs: number): Told {
  return { ...told, nextAtMs: nowMs + settings.everyMs };
}

export interface KeyWhileWaiting {
  /** Undefined: the key means nothing here; what is being said is said to its end. */
  readonly does?: WaitingKey;
  /** Still speaking when it was: stop the announcement and report `announcementEnded`. */
  readonly told: Told;
}

/** A key at any time: nothing is announced over it for a while. */
export function keyWhileWaiting(
  settings: Announcements,
  told: Told,
  pressed: { key: string; nowMs: number },
): KeyWhileWaiting {
  const does = Object.hasOwn(settings.keys, pressed.key) ? settings.keys[pressed.key] : undefined;
  const nextAtMs =
    told.nextAtMs === undefined ? undefined : Math.max(told.nextAtMs, pressed.nowMs + settings.quietAfterKeyMs);
  return { ...(does === undefined ? {} : { does }), told: nextAtMs === undefined ? told : { ...told, nextAtMs } };
}

/** «Чтобы мы перезвонили вам, нажмите один. …»; the keys in the order of the telephone, * and # last. */
export function keyHints(settings: Pick<Announcements, 'keys'>): readonly SayItem[] {
  const order = '1234567890*#';
  return Object.entries(settings.keys)
    .toSorted(([left], [right]) => order.indexOf(left) - order.indexOf(right))
    .flatMap(([pressed, { hint }]) => pressFor(hint, pressed));
}

/** «Чтобы …, нажмите <key>». */
export function pressFor(hint: string, pressed: string): readonly SayItem[] {
  return [{ prompt: hint }, { prompt: ownPrompts.press }, { key: pressed }, { prompt: ownPrompts.breath }];
}

interface News {
  readonly say: readonly SayItem[];
  readonly place?: number;
  readonly wait?: SaidWait;
}

/** The place when it has improved, with the estimate; and a promise of time that cannot be kept, as soon as that is known. */
function newsOf(settings: Announcements, told: Told, moment: Omit<WaitingMoment, 'hearing'>): News {
  const { place, estimateMs, nowMs } = moment;
  const form = settings.place;
  const improved = form !== 'never' && place !== undefined && place >= 1 && place < (told.place ?? Infinity);
  const placeItems: readonly SayItem[] = improved ? [{ place, as: form }, { prompt: ownPrompts.breath }] : [];
  const known = improved ? { place } : {};
  if (settings.estimate === 'never' || estimateMs === undefined) return { say: placeItems, ...known };
  const { wait, change, said } = waitToSay(estimateMs, nowMs, told.wait);
  // Without the place the estimate is news of its own, when there is none yet or a shorter one.
  const alone = form === 'never' && said.waitClass < (told.wait?.waitClass ?? Infinity);
  if (!improved && !alone && change !== 'longer') return { say: [] };
  const sorry: readonly SayItem[] = change === 'longer' ? [{ prompt: ownPrompts.longer }] : [];
  const waitItems: readonly SayItem[] = [{ prompt: ownPrompts.estimate }, { wait }, { prompt: ownPrompts.breath }];
  return { say: [...placeItems, ...sorry, ...waitItems], ...known, wait: said };
}

function speaking(told: Told, news: News): Told {
  const { nextAtMs: _spoken, ...rest } = told;
  return {
    ...rest,
    ...(news.place === undefined ? {} : { place: news.place }),
    ...(news.wait === undefined ? {} : { wait: news.wait }),
  };
}

function lesser(left: number | undefined, right: number | undefined): number | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return Math.min(left, right);
}
