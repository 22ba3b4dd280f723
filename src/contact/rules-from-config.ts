import type { QueueSettings } from '../acd/index.ts';
import { createNumberPlaces } from '../callbacks/index.ts';
import { type HotlineConfig, lineByDnis, normaliseAni, normaliseDialled } from '../config/index.ts';
import { DozvonError, dayMs, minuteMs } from '../foundation/index.ts';
import { announcementsInFlow, edgesOf, type Flow, render, step } from '../ivr/index.ts';
import { evaluateSchedule, type ScheduleVerdict } from '../schedule/index.ts';
import type { ContactRules, QueueRules, WaitingRules } from './rules.ts';
import { promisedSpeech, spokenIn, wishFrom } from './spoken-times.ts';

/** What is dialled as trunks write it: few ways for each number of ours, and whatever strangers try. */
const mostDialledKnown = 1_000;

type Lines = ReadonlyMap<string, HotlineConfig['lines'][number]>;

/** The rules of one version of the configuration. */
export function rulesFromConfig(config: HotlineConfig, version: string): ContactRules {
  const lines: Lines = new Map(config.lines.map((line) => [line.id, line]));
  const queueRules = new Map(config.queues.map((queue) => [queue.id, queueRulesOf(queue, config.callBacks[queue.id])]));
  const waitingRules = new Map<string, WaitingRules>();
  return {
    version,
    language: config.settings.language,
    ...returningIn(config),
    ...numbersIn(config),
    ...hoursIn(config, lines),
    ...callBacksIn(config, lines),
    line(lineId) {
      const line = lines.get(lineId);
      return line && { lineId, flowId: line.flowId, language: line.languages[0], recording: line.recording };
    },
    queue: (queueId) => queueRules.get(queueId),
    waiting(queueId, lineId) {
      const flowId = lineId === undefined ? undefined : lines.get(lineId)?.flowId;
      const key = `${queueId} ${flowId ?? ''}`;
      const known = waitingRules.get(key) ?? waitingIn(config, queueId, flowId);
      waitingRules.set(key, known);
      return known;
    },
    flowStep(flowId, position, input, facts) {
      const flow = config.flows[flowId];
      if (!flow) throw new DozvonError('FLOW_BROKEN', `expected a configured flow, got ${JSON.stringify(flowId)}`);
      return step(flow, position, input, facts);
    },
    render,
    offerTitle: (lineId, topic) =>
      [lineId === undefined ? undefined : lines.get(lineId)?.name, topic].filter(Boolean).join(' · '),
  };
}

/** What was dialled, and who calls. */
function numbersIn(config: HotlineConfig): Pick<ContactRules, 'lineByDialled' | 'callerNumber'> {
  const defaultCountry = config.settings.country;
  /** By what was dialled, as it came: reading a number costs more than all else of finding its line. */
  const dialledKnown = new Map<string, ReturnType<ContactRules['lineByDialled']>>();
  return {
    lineByDialled(dialled) {
      const known = dialledKnown.get(dialled);
      if (known !== undefined) return known;
      const normalised = normaliseDialled(dialled, { defaultCountry });
      // What is no telephone number at all is kept as dialled: the record says what came.
      const e164 = !normalised.ok ? dialled : normalised.kind === 'e164' ? normalised.e164 : normalised.code;
      const found = { e164, lineId: lineByDnis(config, e164)?.id };
      if (dialledKnown.size < mostDialledKnown) dialledKnown.set(dialled, found);
      return found;
    },
    callerNumber(ani) {
      const normalised = normaliseAni(ani, { defaultCountry });
      return normalised.known ? normalised.e164 : '';
    },
  };
}

function hoursIn(config: HotlineConfig, lines: Lines): Pick<ContactRules, 'lineHours' | 'flowFacts'> {
  /** The last answer for each schedule: it holds for the minute. */
  const verdicts = new Map<string, { readonly minute: number; readonly verdict: ScheduleVerdict }>();
  const verdictOf = (lineId: string, atMs: number): ScheduleVerdict | undefined => {
    const { scheduleId = '' } = lines.get(lineId) ?? {};
    const minute = Math.floor(atMs / minuteMs);
    const known = verdicts.get(scheduleId);
    if (known?.minute === minute) return known.verdict;
    const schedule = config.schedules[scheduleId];
    if (schedule === undefined) return undefined;
    const verdict = evaluateSchedule(schedule, config.calendar, atMs);
    verdicts.set(scheduleId, { minute, verdict });
    return verdict;
  };
  return {
    lineHours(lineId, atMs) {
      const verdict = verdictOf(lineId, atMs);
      if (verdict === undefined) return undefined;
      const { open, closesAtMs } = verdict;
      return { open, ...(closesAtMs === undefined ? {} : { closesAtMs }) };
    },
    flowFacts({ lineId, atMs, ani }) {
      const verdict = verdictOf(lineId, atMs);
      return {
        line: {
          id: lineId,
          open: verdict?.open ?? false,
          ...(verdict?.opens ? { opens: verdict.opens } : {}),
          ...(verdict?.closes?.dayOffset === 0 ? { closesTime: verdict.closes.time } : {}),
        },
        aniKnown: ani !== '',
        ...(ani === '' ? {} : { aniDigits: ani }),
      };
    },
  };
}

/** Who is called back from where, when, and what he is told of it. */
function callBacksIn(
  config: HotlineConfig,
  lines: Lines,
): Pick<ContactRules, 'callBackQueue' | 'callBackWish' | 'spoken' | 'promisedSpeech' | 'dialling'> {
  const timeZoneOf = (lineId: string): string =>
    config.schedules[lines.get(lineId)?.scheduleId ?? '']?.timeZone ?? 'UTC';
  const places = createNumberPlaces(config.numberZones);
  return {
    callBackQueue(lineId, topic) {
      const line = lines.get(lineId);
      const nodes = line && config.flows[line.flowId]?.nodes;
      return (nodes && queueOfTopic(nodes, topic)) ?? line?.defaultQueueId;
    },
    callBackWish: ({ lineId, number, ...query }) =>
      wishFrom({ ...query, timeZone: timeZoneOf(lineId), place: places.placeOf(number) }),
    spoken: (lineId, atMs, askedAtMs) => spokenIn(timeZoneOf(lineId), atMs, askedAtMs),
    promisedSpeech: (lineId, dueAtMs, nowMs) => promisedSpeech(timeZoneOf(lineId), dueAtMs, nowMs),
    dialling(lineId) {
      const trunk = config.trunks.find(({ dial }) => dial !== undefined);
      const callerIdNumber = lines.get(lineId)?.numbers.find((number) => number.startsWith('+'));
      return trunk && callerIdNumber !== undefined ? { trunk: trunk.name, callerIdNumber } : undefined;
    },
  };
}

function queueRulesOf(queue: QueueSettings, calledBack: QueueRules['callBacks']): QueueRules {
  const { ringTimeoutMs, wrapUpMs, waiting, welcome, ladder, preferredMs, preferredWithinDays } = queue;
  const { abandonedPlaceMs, closing } = queue;
  const { length, nobodyLoggedIn, wait } = queue.limits;
  const limits = {
    ...(length === undefined ? {} : { length }),
    ...(nobodyLoggedIn === undefined ? {} : { nobodyLoggedIn }),
    ...(wait === undefined ? {} : { wait }),
  };
  return {
    queueId: queue.id,
    ringTimeoutMs,
    wrapUpMs,
    waiting,
    welcome,
    ...(ladder === undefined ? {} : { ladder }),
    ...(calledBack === undefined ? {} : { callBacks: calledBack }),
    ...(abandonedPlaceMs === 0 ? {} : { abandonedPlaceMs }),
    ...(closing === undefined ? {} : { closing }),
    ...(preferredMs > 0 ? { lastOperatorWithinMs: preferredWithinDays * dayMs } : {}),
    limits,
  };
}

/** Callers are looked up where a queue calls back or gives places back. */
function returningIn({ queues, callBacks }: HotlineConfig): Pick<ContactRules, 'returning'> {
  const abandonedWithinMs = Math.max(0, ...queues.map(({ abandonedPlaceMs }) => abandonedPlaceMs));
  return abandonedWithinMs > 0 || Object.keys(callBacks).length > 0 ? { returning: { abandonedWithinMs } } : {};
}

/** Where callers who choose this topic in the flow are queued: what they are called back about outside hours is for the same operators. */
function queueOfTopic(nodes: Flow['nodes'], topic: string): string | undefined {
  const chosen = Object.values(nodes).flatMap((node) =>
    node.type === 'menu'
      ? Object.values(node.keys).flatMap((does) => (typeof does === 'object' && does.topic === topic ? [does.to] : []))
      : [],
  );
  const seen = new Set<string>();
  for (const id of chosen) seen.add(id);
  for (const id of seen) {
    const node = nodes[id];
    if (node?.type === 'enqueue') return node.queue;
    if (node !== undefined) for (const { to, by } of edgesOf(id, node)) if (by !== 'caller') seen.add(to);
  }
  return undefined;
}

function waitingIn(config: HotlineConfig, queueId: string, flowId: string | undefined): WaitingRules {
  const nodes = (flowId === undefined ? undefined : config.flows[flowId])?.nodes ?? {};
  const sheet = config.announcements[queueId];
  const announcements = sheet && announcementsInFlow(sheet, { nodes });
  const choiceNode = config.queues.find(({ id }) => id === queueId)?.ladder?.choiceNode;
  return {
    ...(announcements === undefined ? {} : { announcements }),
    ...(choiceNode === undefined || !Object.hasOwn(nodes, choiceNode) ? {} : { choiceNode }),
  };
}
