import t from 'tap';
import { type QueueStore, requirementClass } from '../../src/acd/index.ts';
import { asId, type ContactId, type OperatorId } from '../../src/foundation/index.ts';
import { bothStores } from '../support/redis.ts';

const start = 1_800_000_000_000;
/** What a draw is of: the ids go into it, so that another seed makes other draws. */
const seed = process.env.DOZVON_SEED ?? String(Date.now() % 2 ** 31);

interface Drawn {
  readonly operatorId: OperatorId;
  readonly weight: number;
  readonly skills: Readonly<Record<string, number>>;
}

/** Three who can serve both kinds of contacts and seven who can serve one, of different weights. */
const operators: readonly Drawn[] = Array.from({ length: 10 }, (_, i) => ({
  operatorId: asId<OperatorId>(`op${seed}-${i}`),
  weight: 1 + (i % 4),
  skills: i < 3 ? { common: 1, rare: 1 } : { common: 1 },
}));
const requirements = {
  common: requirementClass('common', 'randomWeighted'),
  rare: requirementClass('rare', 'randomWeighted'),
} as const;
type Kind = keyof typeof requirements;
const kinds: readonly Kind[] = ['common', 'rare'];

/** The value that chi-square with so many degrees of freedom passes once in a million (Wilson and Hilferty's cube). */
function chiSquareLimit(degrees: number): number {
  const onceInAMillion = 4.753;
  const width = 2 / (9 * degrees);
  return degrees * (1 - width + onceInAMillion * Math.sqrt(width)) ** 3;
}

class Counts {
  readonly #times = new Map<string, number>();

  add(kind: Kind, operatorId: OperatorId): void {
    this.#times.set(`${kind} ${operatorId}`, this.of(kind, operatorId) + 1);
  }

  of(kind: Kind, operatorId: OperatorId): number {
    return this.#times.get(`${kind} ${operatorId}`) ?? 0;
  }
}

/** Serves contacts one after another, everybody idle in between; returns who was picked how often for which kind. */
async function serve(queue: QueueStore, contacts: number): Promise<Counts> {
  for (const { operatorId, weight, skills } of operators) {
    await queue.registerOperator({ operatorId, extension: '1', skills, capacity: { voice: 1 }, weight }, start);
    await queue.signIn(operatorId, start);
    await queue.setReachable(operatorId, true, start);
    await queue.setPresence(operatorId, 'ready', { nowMs: start });
  }
  const counts = new Counts();
  for (let i = 0; i < contacts; i += 1) {
    const nowMs = start + i;
    // Two of five need the few, so that the draws of the many go on meanwhile.
    const kind = i % 5 < 3 ? 'common' : 'rare';
    // And every other is a call-back: whoever is drawn for it is out of the draws of those on the line, and the other way round.
    const isCallBack = i % 2 === 1;
    const contactId = asId<ContactId>(`c${i}`);
    const place = {
      queueId: kind,
      lineId: 'l',
      medium: 'voice',
      shard: 's1',
      score: nowMs,
      enqueuedAtMs: nowMs,
    } as const;
    const requirement = requirements[kind];
    await queue.enqueue({ contactId, requirement, ...place, ...(isCallBack ? { kind: 'callBack' } : {}) }, nowMs);
    const options = { nowMs, leaseMs: 1_000 };
    const picked = await (isCallBack ? queue.matchCallBack(kind, options) : queue.matchContact(contactId, options));
    if (picked === undefined) throw new Error('expected somebody to be free');
    counts.add(kind, picked.operatorId);
    await queue.offerAnswered(picked.offerId, nowMs);
    await queue.release(picked.operatorId, contactId, { nowMs, wrapUp: false });
  }
  return counts;
}

const both = await bothStores();
t.teardown(() => both.stop());

for (const store of both.kinds) {
  t.test(`random by weight in ${store.name}: each as often as his weight says, whoever else can serve`, async (t) => {
    const { queue } = await store.open();
    const counts = await serve(queue, store.name === 'memory' ? 20_000 : 3_000);
    t.comment(`seed ${seed}`);
    for (const kind of kinds) {
      const able = operators.filter(({ skills }) => kind in skills);
      const drawn = able.reduce((sum, { operatorId }) => sum + counts.of(kind, operatorId), 0);
      const weights = able.reduce((sum, { weight }) => sum + weight, 0);
      const chiSquare = able.reduce((sum, { operatorId, weight }) => {
        const expected = (drawn * weight) / weights;
        return sum + (counts.of(kind, operatorId) - expected) ** 2 / expected;
      }, 0);
      const limit = chiSquareLimit(able.length - 1);
      t.comment(`${kind}: chi-square ${chiSquare.toFixed(1)} of ${drawn} draws among ${able.length}`);
      t.ok(chiSquare < limit, `${chiSquare.toFixed(1)} is below ${limit.toFixed(1)}`);
    }
  });
}
