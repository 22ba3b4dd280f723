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

/** The rules of one version of the configuration. */
export function rulesFromConfig(config: HotlineConfig, version: string): ContactRules {
  const lines = new Map(config.lines.map((line) => [line.id, line]));
  /** The last answer for each schedule: it holds for the minute. */
  const verdicts = new Map<string, { readonly minute: number; readonly verdict: ScheduleVerdict }>();
  const verdictAt = (scheduleId: string, atMs: number): ScheduleVerdict | undefined => {
    const minute = Math.floor(atMs / minuteMs);
    const known = verdicts.get(scheduleId);
    if (known?.minute === minute) return known.verdict;
    const schedule = config.schedules[scheduleId];
    if (schedule === undefined) return undefined;
    const verdict = evaluateSchedule(schedule, config.calendar, atMs);
    verdicts.set(scheduleId, { minute, verdict });
    return verdict;
  };
  const timeZoneOf = (lineId: string): string =>
    config.schedules[lines.get(lineId)?.scheduleId ?? '']?.timeZone ?? 'UTC';
  const places = createNumberPlaces(config.numberZones);
  const queueRules = new Map(config.queues.map((queue) => [queue.id, queueRulesOf(queue, config.callBacks[queue.id])]));
  const waitingRules = new Map<string, WaitingRules>();
  /** By what was dialled, as it came: reading a number costs more than all else of finding its line. */
  const dialledKnown = new Map<string, ReturnType<ContactRules['lineByDialled']>>();
  return {
    version,
    language: config.settings.language,
    ...returningIn(config),
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
    lineByDialled(dialled) {
      const known = dialledKnown.get(dialled);
      if (known !== undefined) return known;
      const normalised = normaliseDialled(dialled, { defaultCountry: config.settings.country });
      // What is no telephone number at all is kept as dialled: the record says what came.
      const e164 = !normalised.ok ? dialled : normalised.kind === 'e164' ? normalised.e164 : normalised.code;
      const found = { e164, lineId: lineByDnis(config, e164)?.id };
      if (dialledKnown.size < mostDialledKnown) dialledKnown.set(dialled, found);
      return found;
    },
    callerNumber(ani) {
      const normalised = normaliseAni(ani, { defaultCountry: config.settings.country });
      return normalised.known ? normalised.e164 : '';
    },
    lineHours(lineId, atMs) {
      const line = lines.get(lineId);
      const verdict = line && verdictAt(line.scheduleId, atMs);
      if (verdict === undefined) return undefined;
      const { open, closesAtMs } = verdict;
      return { open, ...(closesAtMs === undefined ? {} : { closesAtMs }) };
    },
    callBackQueue(lineId, topic) {
      const line = lines.get(lineId);
      const nodes = line && config.flows[line.flowId]?.nodes;
      return (nodes && queueOfTopic(nodes, topic)) ?? line?.defaultQueueId;
    },
    callBackWish: ({ lineId, number, ...query }) =>
      wishFrom({ ...query, timeZone: timeZoneOf(lineId), place: places.placeOf(number) }),
    spoken: (lineId, atMs, askedAtMs) => spokenIn(timeZoneOf(lineId), atMs, askedAtMs),
    promisedSpeech: (lineId, dueAtMs, nowMs) => promisedSpeech(timeZoneOf(lineId), dueAtMs, nowMs),
    flowFacts({ lineId, atMs, ani }) {
      const line = lines.get(lineId);
      const verdict = line && verdictAt(line.scheduleId, atMs);
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
    flowStep(flowId, position, input, facts) {
      const flow = config.flows[flowId];
      if (!flow) throw new DozvonError('FLOW_BROKEN', `expected a configured flow, got ${JSON.stringify(flowId)}`);
      return step(flow, position, input, facts);
    },
    render,
    dialling(lineId) {
      const trunk = config.trunks.find(({ dial }) => dial !== undefined);
      const callerIdNumber = lines.get(lineId)?.numbers.find((number) => number.startsWith('+'));
      return trunk && callerIdNumber !== undefined ? { trunk: trunk.name, callerIdNumber } : undefined;
    },
    offerTitle: (lineId, topic) =>
      [lineId === undefined ? undefined : lines.get(lineId)?.name, topic].filter(Boolean).join(' · '),
  };
}

/** Callers are looked up where a queue calls back or gives places back. */
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
