import t from 'tap';
import { DozvonError, hasCode } from '../../src/foundation/index.ts';
import { GroupCommit } from '../../src/store/group-commit.ts';

/** A store whose writes end when told to; it refuses a group with `bad` in it, and is away for `away`. */
function store() {
  const groups: (readonly string[])[] = [];
  const ends: (() => void)[] = [];
  const write = async (items: readonly string[]): Promise<readonly string[]> => {
    groups.push(items);
    await new Promise<void>((resolve) => {
      ends.push(resolve);
    });
    if (items.includes('bad')) throw new DozvonError('REFUSED', 'expected something else');
    if (items.includes('away')) throw new DozvonError('AWAY', 'expected the store');
    return items.map((item) => `${item} written`);
  };
  /** Ends what is being written and what begins after it, until nothing begins any more. */
  const goOn = async (): Promise<void> => {
    for (let idle = 0; idle < 3; idle += 1) {
      for (const end of ends.splice(0)) {
        end();
        idle = 0;
      }
      await new Promise(setImmediate);
    }
  };
  return { groups, goOn, write };
}

function commits(of: ReturnType<typeof store>, options: { readonly lingerMs?: number; readonly most?: number } = {}) {
  const isRefusal = (error: unknown): boolean => hasCode(error, 'REFUSED');
  return new GroupCommit({ write: of.write, lingerMs: 0, most: 10, isRefusal, ...options });
}

t.test('group commit', async (t) => {
  t.test('what comes while a write is under way goes together, in order, and no more than the most', async (t) => {
    const of = store();
    const group = commits(of, { most: 3 });
    const all = Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((item) => group.add(item)));
    await of.goOn();
    t.same(of.groups, [['a'], ['b', 'c', 'd'], ['e', 'f']]);
    t.same((await all)[4], 'e written');
  });

  t.test('nobody is told before his own is written', async (t) => {
    const of = store();
    const group = commits(of);
    const told: string[] = [];
    void group.add('a').then((outcome) => told.push(outcome));
    await new Promise(setImmediate);
    t.same([of.groups, told], [[['a']], []]);
    await of.goOn();
    t.same(told, ['a written']);
  });

  t.test('what is added by whoever has just been told is written too', async (t) => {
    const of = store();
    const group = commits(of);
    const chain = (async () => {
      for (const item of ['a', 'b', 'c']) await group.add(item);
    })();
    await of.goOn();
    await chain;
    t.same(of.groups, [['a'], ['b'], ['c']]);
  });

  t.test('the first of a group waits for others; settling does not', async (t) => {
    const of = store();
    const group = commits(of, { lingerMs: 60_000 });
    const first = group.add('a');
    const second = group.add('b');
    t.same(of.groups, []);
    const settled = group.settle();
    await of.goOn();
    await settled;
    t.same([await first, await second], ['a written', 'b written']);
    t.same(of.groups, [['a', 'b']]);
  });

  t.test('a full group does not wait', async (t) => {
    const of = store();
    const group = commits(of, { lingerMs: 60_000, most: 2 });
    const both = [group.add('a'), group.add('b')];
    await of.goOn();
    await Promise.all(both);
    t.same(of.groups, [['a', 'b']]);
  });

  t.test('what waited long enough is written by itself', async (t) => {
    const of = store();
    const group = commits(of, { lingerMs: 1 });
    const both = [group.add('a'), group.add('b')];
    while (of.groups.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await of.goOn();
    await Promise.all(both);
    t.same(of.groups, [['a', 'b']]);
  });

  t.test('a bad item fails alone', async (t) => {
    const of = store();
    const group = commits(of, { lingerMs: 60_000 });
    const all = Promise.allSettled(['a', 'bad', 'c'].map((item) => group.add(item)));
    void group.settle();
    await of.goOn();
    t.match(await all, [{ value: 'a written' }, { reason: { code: 'REFUSED' } }, { value: 'c written' }]);
    t.same(of.groups, [['a', 'bad', 'c'], ['a'], ['bad'], ['c']]);
  });

  t.test('a store that is away fails the group, and what comes later is written', async (t) => {
    const of = store();
    const group = commits(of, { lingerMs: 60_000 });
    const all = Promise.allSettled(['a', 'away'].map((item) => group.add(item)));
    void group.settle();
    await of.goOn();
    t.match(await all, [{ reason: { code: 'AWAY' } }, { reason: { code: 'AWAY' } }]);
    const oneByOne = Promise.allSettled(['a', 'bad', 'away', 'd'].map((item) => group.add(item)));
    void group.settle();
    await of.goOn();
    t.match(await oneByOne, [
      { value: 'a written' },
      { reason: { code: 'REFUSED' } },
      { reason: { code: 'AWAY' } },
      { reason: { code: 'AWAY' } },
    ]);
    t.same(
      of.groups.slice(1).map((items) => items.join()),
      ['a,bad,away,d', 'a', 'bad', 'away'],
      'd is not tried',
    );
    const later = group.add('e');
    void group.settle();
    await of.goOn();
    t.equal(await later, 'e written');
  });
});
