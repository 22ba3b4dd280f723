import type { Redis } from 'ioredis';
import type { SharingView } from '../../acd/index.ts';
import type {
  ContactView,
  Medium,
  OperatorView,
  Presence,
  QueueFigures,
  RequirementClass,
  Skills,
  StepView,
  WaitingContact,
  WorkState,
} from '../../acd/ports.ts';
import { asId, type ContactId, type OperatorId } from '../../foundation/index.ts';

/** The state shown when several contacts are held: the one that asks most of the operator. */
const workOrder: readonly WorkState[] = ['connected', 'offered', 'wrapUp'];
const media: readonly Medium[] = ['voice', 'chat'];

interface Held {
  readonly contactId: string;
  readonly state: WorkState;
  readonly medium: string;
  readonly offerId: string;
  readonly untilMs: string | undefined;
}

/** Operators by id, each as of one moment; unknown ids are left out. */
export async function readOperators(client: Redis, prefix: string, ids: readonly string[]): Promise<OperatorView[]> {
  if (ids.length === 0) return [];
  const pipeline = client.pipeline();
  for (const id of ids) pipeline.hgetall(`${prefix}operator:${id}`).hgetall(`${prefix}holds:${id}`);
  const replies = await valuesOf(pipeline.exec());
  const views: OperatorView[] = [];
  ids.forEach((id, i) => {
    const operator = replies[2 * i] as Record<string, string>;
    if (operator.extension === undefined) return;
    views.push(operatorView(id, operator, replies[2 * i + 1] as Record<string, string>));
  });
  return views;
}

function operatorView(id: string, operator: Record<string, string>, holds: Record<string, string>): OperatorView {
  const held = Object.entries(holds).map(([contactId, hold]): Held => {
    const [state = '', medium = '', offerId = '', , , , untilMs] = hold.split(' ');
    return { contactId, state: state as WorkState, medium, offerId, untilMs };
  });
  const [shown] = held.toSorted(shownBefore);
  const { notReadyReason, notReadyNext, readySinceMs, setAsideUntilMs } = operator;
  const served = media.filter((medium) => Number(operator[`capacity:${medium}`]) > 0);
  return {
    operatorId: asId(id),
    extension: operator.extension ?? '',
    skills: JSON.parse(operator.skills ?? '{}') as Skills,
    signedIn: operator.signedIn === '1',
    presence: operator.presence as Presence,
    ...(notReadyReason === undefined ? {} : { notReadyReason }),
    reachable: operator.reachable === '1',
    capacity: Object.fromEntries(served.map((medium) => [medium, Number(operator[`capacity:${medium}`])])),
    held: Object.fromEntries(served.map((medium) => [medium, Number(operator[`held:${medium}`] ?? 0)])),
    work: Object.fromEntries(served.map((medium) => [medium, workState(held, medium)])),
    outsideCall: operator.outsideCall === '1',
    ...(notReadyNext === undefined ? {} : { notReadyNext }),
    missedOffers: Number(operator.missedOffers ?? 0),
    contactsTaken: Number(operator.contactsTaken ?? 0),
    ...(readySinceMs === undefined ? {} : { readySinceMs: Number(readySinceMs) }),
    ...(setAsideUntilMs === undefined ? {} : { setAsideUntilMs: Number(setAsideUntilMs) }),
    ...(shown === undefined ? {} : { contactId: asId(shown.contactId), offerId: asId(shown.offerId) }),
    ...(shown?.untilMs === undefined ? {} : { wrapUpUntilMs: Number(shown.untilMs) }),
  };
}

/** Voice before chat, then by id: ids sort by time. */
function shownBefore(one: Held, other: Held): number {
  if (one.medium !== other.medium) return one.medium === 'voice' ? -1 : 1;
  return one.contactId < other.contactId ? -1 : 1;
}

function workState(held: readonly Held[], medium: Medium): WorkState {
  const states = held.filter((hold) => hold.medium === medium).map((hold) => hold.state);
  return workOrder.find((state) => states.includes(state)) ?? 'idle';
}

/** Everyone in a queue, by queue and place. Contacts that leave meanwhile are left out. */
export async function readWaiting(client: Redis, prefix: string): Promise<WaitingContact[]> {
  const queueIds = (await client.smembers(`${prefix}queues`)).sort();
  const queues = client.pipeline();
  for (const queueId of queueIds) queues.zrange(`${prefix}queue:${queueId}`, 0, '-1');
  const members = (await valuesOf(queues.exec())) as string[][];
  const places = members.flatMap((ids) => ids.map((contactId, rank) => ({ contactId, position: rank + 1 })));
  const contacts = client.pipeline();
  for (const { contactId } of places) contacts.hgetall(`${prefix}contact:${contactId}`);
  const records = (await valuesOf(contacts.exec())) as Record<string, string>[];
  return places.flatMap(({ contactId, position }, i) => {
    const record = records[i];
    return record?.queueId === undefined ? [] : waitingContact(contactId, record, position);
  });
}

function waitingContact(contactId: string, record: Record<string, string>, position: number): WaitingContact {
  const { offerId } = record;
  return {
    contactId: asId(contactId),
    queueId: record.queueId ?? '',
    lineId: record.lineId ?? '',
    classId: record.classId ?? '',
    score: Number(record.score),
    enqueuedAtMs: Number(record.enqueuedAtMs),
    position,
    headStartMs: Number(record.headStartMs ?? 0),
    ...(offerId === undefined ? {} : { offerId: asId(offerId) }),
  };
}

/** A contact may be moved between the two reads of a look, and once more before the next. */
const mostLooks = 3;

/** One waiting contact with all that decides about it; what changes between the reads shows as of the later one. */
export async function readContact(
  client: Redis,
  prefix: string,
  contactId: ContactId,
): Promise<Omit<ContactView, 'ahead'> | undefined> {
  for (let look = 0; look < mostLooks; look += 1) {
    const record = await client.hgetall(`${prefix}contact:${contactId}`);
    if (record.queueId === undefined) return undefined;
    const view = await contactView(client, prefix, contactId, record);
    if (view !== undefined) return view;
  }
  return undefined;
}

/** Undefined: the contact is not where its record says, it has left or was moved since. */
async function contactView(
  client: Redis,
  prefix: string,
  contactId: ContactId,
  record: Record<string, string>,
): Promise<Omit<ContactView, 'ahead'> | undefined> {
  const { queueId, classId = '' } = record;
  const excluded = (record.excluded ?? '').split(' ').filter((id) => id !== '');
  const around = client
    .pipeline()
    .zrank(`${prefix}${record.kind === undefined ? 'queue' : 'call-backs'}:${queueId}`, contactId)
    .hget(`${prefix}classes`, classId)
    .hget(`${prefix}class-logged-in`, classId)
    .hget(`${prefix}class-on-duty`, classId)
    .smembers(`${prefix}served-by:${classId}`);
  for (const operatorId of excluded) around.hmget(`${prefix}operator:${operatorId}`, 'duty', 'profileId');
  const [rank, text, loggedIn, onDuty, servedBy, ...operators] = await valuesOf(around.exec());
  if (rank === null || typeof text !== 'string') return undefined;
  const fit = new Set(servedBy as readonly string[]);
  const onDutyExcluded = (operators as readonly (readonly (string | null)[])[]).filter(
    ([duty, profileId]) => duty === '2' && profileId !== null && profileId !== undefined && fit.has(profileId),
  ).length;
  return {
    ...waitingContact(contactId, record, Number(rank) + 1),
    medium: record.medium as Medium,
    requirement: JSON.parse(text) as RequirementClass,
    steps: (record.steps === undefined ? [] : (JSON.parse(record.steps) as (StepView & { strategy: string })[])).map(
      ({ strategy: _strategy, ...step }) => step,
    ),
    excluded: excluded.map((operatorId) => asId<OperatorId>(operatorId)),
    exclusionsCount: excluded.length > 0 && Number(onDuty ?? 0) > onDutyExcluded,
    ...(record.preferred === undefined
      ? {}
      : { preferred: { operatorId: asId(record.preferred), untilMs: Number(record.preferredUntilMs) } }),
    qualified: { loggedIn: Number(loggedIn ?? 0), onDuty: Number(onDuty ?? 0) },
  };
}

/** A queue has a rule as soon as somebody has set one. */
export async function readSharing(client: Redis, prefix: string): Promise<ReadonlyMap<string, SharingView>> {
  const queueIds = (await client.smembers(`${prefix}sharing-queues`)).sort();
  const reads = client.pipeline();
  for (const queueId of queueIds) reads.hgetall(`${prefix}sharing:${queueId}`);
  const values = await valuesOf(reads.exec());
  const waiting = await waitingCallBacks(client, prefix, queueIds);
  return new Map(
    queueIds.map((queueId, i) => {
      const rule = values[i] as Record<string, string>;
      return [
        queueId,
        {
          keepIdle: Number(rule.keepIdle),
          presses: rule.presses === '1',
          share: Number(rule.share),
          costMs: Number(rule.costMs),
          reservedMs: Number(rule.availableMs ?? 0),
          callBacks: waiting[i] ?? 0,
        },
      ];
    }),
  );
}

/** How many of each queue's call-backs have no live offer. */
async function waitingCallBacks(client: Redis, prefix: string, queueIds: readonly string[]): Promise<number[]> {
  const heads = client.pipeline();
  for (const queueId of queueIds) {
    for (const medium of media) heads.zrange(`${prefix}call-back-heads:${medium}:${queueId}`, 0, '-1');
  }
  const classIds = (await valuesOf(heads.exec())) as string[][];
  const sizes = client.pipeline();
  const queueOf: number[] = [];
  for (const [i, ids] of classIds.entries()) {
    const queue = Math.floor(i / media.length);
    for (const classId of ids) {
      queueOf.push(queue);
      sizes.zcard(`${prefix}waiting-call-backs:${media[i % media.length]}:${classId}:${queueIds[queue]}`);
    }
  }
  const counts = queueIds.map(() => 0);
  for (const [i, size] of (await valuesOf(sizes.exec())).entries()) {
    const queue = queueOf[i] ?? 0;
    counts[queue] = (counts[queue] ?? 0) + Number(size);
  }
  return counts;
}

export async function readFigures(client: Redis, prefix: string): Promise<ReadonlyMap<string, QueueFigures>> {
  const figures = new Map<string, QueueFigures>();
  for (const [field, value] of Object.entries(await client.hgetall(`${prefix}figures`))) {
    const [figure = '', queueId = ''] = field.split(' ');
    figures.set(queueId, { ...figures.get(queueId), [figure]: Number(value) });
  }
  return figures;
}

async function valuesOf(exec: Promise<[Error | null, unknown][] | null>): Promise<unknown[]> {
  return ((await exec) ?? []).map(([error, value]) => {
    if (error !== null) throw error;
    return value;
  });
}
