import type { Redis } from 'ioredis';
import type { Medium, OperatorView, Presence, Skills, WaitingContact, WorkState } from '../../acd/ports.ts';
import { asId } from '../../foundation/index.ts';

/** The state shown when several contacts are held: the one that asks most of the operator. */
const workOrder: readonly WorkState[] = ['connected', 'offered', 'wrapUp'];
const media: readonly Medium[] = ['voice', 'chat'];

interface Held {
  readonly contactId: string;
  readonly state: WorkState;
  readonly medium: string;
  readonly offerId: string;
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
    const [state = '', medium = '', offerId = ''] = hold.split(' ');
    return { contactId, state: state as WorkState, medium, offerId };
  });
  const shown = held[0];
  const { notReadyReason, readySinceMs, setAsideUntilMs } = operator;
  return {
    operatorId: asId(id),
    extension: operator.extension ?? '',
    skills: JSON.parse(operator.skills ?? '{}') as Skills,
    signedIn: operator.signedIn === '1',
    presence: operator.presence as Presence,
    ...(notReadyReason === undefined ? {} : { notReadyReason }),
    reachable: operator.reachable === '1',
    work: Object.fromEntries(
      media
        .filter((medium) => Number(operator[`capacity:${medium}`]) > 0)
        .map((medium) => [medium, workState(held, medium)]),
    ),
    ...(readySinceMs === undefined ? {} : { readySinceMs: Number(readySinceMs) }),
    ...(setAsideUntilMs === undefined ? {} : { setAsideUntilMs: Number(setAsideUntilMs) }),
    ...(shown === undefined ? {} : { contactId: asId(shown.contactId), offerId: asId(shown.offerId) }),
  };
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
    const queueId = record?.queueId;
    if (record === undefined || queueId === undefined) return [];
    const { offerId } = record;
    return {
      contactId: asId(contactId),
      queueId,
      lineId: record.lineId ?? '',
      classId: record.classId ?? '',
      score: Number(record.score),
      enqueuedAtMs: Number(record.enqueuedAtMs),
      position,
      ...(offerId === undefined ? {} : { offerId: asId(offerId) }),
    };
  });
}

async function valuesOf(exec: Promise<[Error | null, unknown][] | null>): Promise<unknown[]> {
  return ((await exec) ?? []).map(([error, value]) => {
    if (error !== null) throw error;
    return value;
  });
}
