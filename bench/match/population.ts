import {
  contactScore,
  type EnqueueRequest,
  type OperatorRegistration,
  type QueueStore,
  requirementClass,
  type Skills,
} from '../../src/acd/index.ts';
import { asId, type ContactId, type OperatorId } from '../../src/foundation/index.ts';
import { RandomStream } from '../sim/random.ts';
import { inTurns } from './rounds.ts';

export const classCount = 200;
export const operatorCount = 2_000;
/** Of those who are no experts, evenly: with the experts above them, the operator in the middle serves 20. */
const fewestClasses = 9;
const mostClasses = 29;
/** One operator in ten can serve every class. */
const expertEvery = 10;
/** Instants as long as real ones, so that scores have as many digits. */
const epochMs = 1_800_000_000_000;
const answerTargetMs = 120_000;
export const shard = 'bench';

const skillOf = (classNumber: number): string => `s${String(classNumber).padStart(3, '0')}`;

const requirements = (): ReturnType<typeof requirementClass>[] =>
  Array.from({ length: classCount }, (_, i) => requirementClass([{ skill: skillOf(i), minLevel: 1 }], 'longestIdle'));

/**
 * Skills of one operator. Levels are drawn too, so that no two operators share a profile: the hardest case for an index by profile.
 */
function drawSkills(number: number, random: RandomStream): Skills {
  const level = (): number => 1 + random.below(10);
  if (number % expertEvery === 0) {
    return Object.fromEntries(Array.from({ length: classCount }, (_, i) => [skillOf(i), level()]));
  }
  const size = fewestClasses + random.below(mostClasses - fewestClasses + 1);
  const chosen = new Set<number>();
  while (chosen.size < size) chosen.add(random.below(classCount));
  return Object.fromEntries([...chosen].map((i) => [skillOf(i), level()]));
}

export interface Population {
  readonly operators: readonly OperatorId[];
  /** How many classes an operator can serve, in the middle of all. */
  readonly medianClasses: number;
  /** The next contact in order of arrival, its class at random. */
  nextContact(): EnqueueRequest;
  /** Moves on by a millisecond: two moves at one instant would leave their order to chance. */
  nowMs(): number;
}

/** Signs everybody in as ready and puts `waiting` contacts into the queues, nobody matched. */
export async function populate(
  store: QueueStore,
  options: { readonly waiting: number; readonly seed: string; readonly inFlight: number },
): Promise<Population> {
  const skillsDrawn = new RandomStream(options.seed, 'skills');
  const classesDrawn = new RandomStream(options.seed, 'classes');
  const classes = requirements();
  let clockMs = epochMs;
  let contacts = 0;
  const nowMs = (): number => {
    clockMs += 1;
    return clockMs;
  };
  const nextContact = (): EnqueueRequest => {
    const classNumber = classesDrawn.below(classCount);
    const requirement = classes[classNumber];
    if (requirement === undefined) throw new Error('expected a class for every number below their count');
    contacts += 1;
    const enqueuedAtMs = nowMs();
    return {
      contactId: asId<ContactId>(`c${String(contacts).padStart(9, '0')}`),
      queueId: `q${classNumber}`,
      lineId: 'bench',
      medium: 'voice',
      requirement,
      score: contactScore({ enqueuedAtMs, answerTargetMs, headStartMs: 0 }),
      enqueuedAtMs,
      shard,
    };
  };
  const registrations = Array.from({ length: operatorCount }, (_, number): OperatorRegistration => {
    const name = String(number).padStart(4, '0');
    return {
      operatorId: asId<OperatorId>(`op${name}`),
      extension: `1${name}`,
      skills: drawSkills(number, skillsDrawn),
      capacity: { voice: 1 },
    };
  });
  // One of each class first: a profile that is defined later is compared with what is there, one by one.
  for (const requirement of classes) {
    const first = { ...nextContact(), requirement };
    await store.enqueue(first, first.enqueuedAtMs);
    await store.withdraw(first.contactId, nowMs());
  }
  await inTurns(registrations, 1, async (operator) => {
    await store.registerOperator(operator, nowMs());
    await store.signIn(operator.operatorId, nowMs());
    await store.setReachable(operator.operatorId, true, nowMs());
    await store.setPresence(operator.operatorId, 'ready', { nowMs: nowMs() });
  });
  await inTurns(Array.from({ length: options.waiting }, nextContact), options.inFlight, async (contact) => {
    await store.enqueue(contact, contact.enqueuedAtMs);
  });
  const sizes = registrations.map(({ skills }) => Object.keys(skills).length).sort((a, b) => a - b);
  return {
    operators: registrations.map(({ operatorId }) => operatorId),
    medianClasses: sizes[sizes.length >> 1] ?? 0,
    nextContact,
    nowMs,
  };
}
