import t from 'tap';
import { calledNumber, callerPlace, chooseInstant } from '../../src/cli/call-place.ts';
import { goalOf, parseCallArgs } from '../../src/cli/call-plan.ts';
import type { CallPorts, RunningHotline } from '../../src/cli/call-ports.ts';
import { asksForKeys, tellEntry } from '../../src/cli/call-story.ts';
import { runTestCall } from '../../src/cli/index.ts';
import { type HotlineConfig, loadHotlineConfig } from '../../src/config/index.ts';

async function reference(): Promise<HotlineConfig> {
  const loaded = await loadHotlineConfig('config', { soundsDir: 'sounds' });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  return loaded.config;
}

const plan = (...args: string[]): Exclude<ReturnType<typeof parseCallArgs>, string> => {
  const parsed = parseCallArgs(args);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
};

void t.test('arguments become a plan', async (t) => {
  t.match(plan('88001000001', '--keys', '12'), {
    number: '88001000001',
    utterances: [
      { kind: 'keys', keys: '1' },
      { kind: 'keys', keys: '2' },
    ],
    withOperator: true,
    talkMs: 3_000,
  });
  t.match(plan('88001000001', '--keys', '4,9161234567#,s5,1').utterances, [
    { kind: 'keys', keys: '4' },
    { kind: 'keys', keys: '9161234567#' },
    { kind: 'message', lastsMs: 5_000 },
    { kind: 'keys', keys: '1' },
  ]);
  t.equal(plan('88001000001', '--hang-up-in', 'queue').withOperator, false);
});

void t.test('arguments that make no sense are told with the usage', async (t) => {
  for (const args of [
    [],
    ['1', '2'],
    ['1', '--keys', 'x'],
    ['1', '--hang-up-in', 'bed'],
    ['1', '--at', 'tomorrow'],
    ['1', '--at', '2027-13-03T15:00+03:00'],
    ['1', '--talk-seconds', '0'],
    ['1', '--no-operator', '--hang-up-in', 'talk'],
    ['1', '--call-back', '--no-operator'],
    ['1', '--call-back', '--hang-up-in', 'queue'],
    ['1', '--call-back', '--ani', 'withheld'],
    ['1', '--loud'],
  ]) {
    t.match(parseCallArgs(args), /usage: npm run call/, args.join(' '));
  }
});

void t.test('the goal follows from number, hours and plan', async (t) => {
  const config = await reference();
  const goal = (at: string, ...args: string[]): string => goalOf(plan(...args), config, Date.parse(at)).goal;
  const noon = '2026-11-18T12:00+03:00';
  t.equal(goal(noon, '8 (800) 100-00-01'), 'talk');
  t.equal(goal(noon, '+78001000001', '--no-operator'), 'queue');
  t.equal(goal(noon, '+78001000001', '--hang-up-in', 'ringing'), 'ringing');
  t.equal(goal('2027-01-03T15:00+03:00', '88001000001'), 'closed', 'a Sunday within the holidays');
  t.equal(goal('2027-01-03T13:00+03:00', '88001000001'), 'talk');
  t.equal(goal(noon, '88009999999'), 'unknownNumber');
});

function ports(running: RunningHotline | undefined): { readonly ports: CallPorts; readonly told: string[] } {
  const told: string[] = [];
  return {
    told,
    ports: {
      findRunning: async () => running,
      startPhones: async () => {
        throw new Error('no call was to be placed');
      },
      nowMs: () => Date.parse('2026-11-18T23:00+03:00'),
      terminal: {
        print: (text) => void told.push(text),
        complain: (text) => void told.push(text),
        onStopRequest: () => {},
      },
    },
  };
}

const running = async (testing: boolean): Promise<RunningHotline> => ({
  apiUrl: 'http://127.0.0.1:9',
  apiToken: 'token',
  sip: { host: '127.0.0.1', port: 5_060 },
  testing,
  config: await reference(),
  sipPasswords: {},
});

void t.test('one clear sentence where no call can be placed', async (t) => {
  const refused = async (system: RunningHotline | undefined, ...args: string[]): Promise<string> => {
    const { ports: given, told } = ports(system);
    t.equal(await runTestCall(args, given), 1);
    t.equal(told.length, 1);
    return told[0] ?? '';
  };
  t.match(await refused(undefined, '88001000001'), /npm start/);
  t.match(await refused(await running(false), '88001000001', '--at', '2027-01-03T15:00+03:00'), /started for testing/);
  t.match(await refused(await running(false), '88001000001', '--call-back'), /closed until/);
  t.match(await refused(await running(false), '88001000001', '--keys', '1'), /closed until .*--no-operator.*--testing/);
});

void t.test('a call-back is ordered when the day has room and the number may be dialled', async (t) => {
  const system = await running(true);
  const instant = (nowIso: string, ...args: string[]): string => {
    const { ports: given, told } = ports(system);
    const asked = plan('88001000001', '--keys', '1', '--call-back', ...args);
    const chosen = chooseInstant(asked, system, { ...given, nowMs: () => Date.parse(nowIso) });
    if (typeof chosen === 'string') throw new Error(chosen);
    t.equal(chosen.goal, 'callBack');
    t.equal(told.length, args.includes('--at') ? 0 : 1, 'and told so');
    return chosen.plan.at ?? '';
  };
  t.equal(instant('2026-11-18T03:00+03:00'), '2026-11-18T05:05:00Z', 'at night: this morning');
  t.equal(instant('2026-11-18T12:00+03:00'), '2026-11-19T05:05:00Z', 'by day: tomorrow, with the whole day ahead');
  t.equal(
    instant('2026-11-18T12:00+03:00', '--ani', '89161234567'),
    '2026-11-19T06:01:00Z',
    'a mobile phone may be in Kaliningrad: at nine',
  );
  t.equal(instant('2026-11-18T12:00+03:00', '--at', '2026-11-18T12:30+03:00'), '2026-11-18T12:30+03:00');
  t.equal(calledNumber(plan('1', '--call-back', '--ani', '8 (916) 123-45-67'), system), '+79161234567');
});

void t.test('the caller’s phone is where the carrier takes calls, if that can be', async (t) => {
  const system = await running(true);
  const dialledAt = (host: string, addresses: readonly string[]): RunningHotline => ({
    ...system,
    config: { ...system.config, trunks: [{ name: 'carrier', addresses: [...addresses], dial: { host, port: 5_070 } }] },
  });
  const asked = plan('88001000001', '--call-back');
  t.same(callerPlace(asked, system), { callerAddress: '127.0.0.2', callerPort: 5_060 });
  t.same(callerPlace(asked, dialledAt('127.0.0.9', ['127.0.0.9'])), { callerAddress: '127.0.0.9', callerPort: 5_070 });
  t.match(callerPlace(asked, dialledAt('192.0.2.1', ['192.0.2.1'])), /DOZVON_TRUNK_DIAL/);
  t.match(callerPlace(asked, dialledAt('127.0.0.9', ['127.0.0.2'])), /DOZVON_TRUNK_ADDRESSES/);
  t.match(callerPlace(asked, { ...system, config: { ...system.config, trunks: [] } }), /No carrier/);
  t.same(callerPlace(plan('88001000001'), dialledAt('192.0.2.1', ['127.0.0.7'])), { callerAddress: '127.0.0.7' });
});

void t.test('entries of the timeline are told in words', async (t) => {
  t.equal(
    tellEntry({ kind: 'promptStarted', facts: { prompts: ['ru/greeting', 'ru/menu-topics'] } }),
    'said: greeting, menu-topics',
  );
  t.equal(
    tellEntry({ kind: 'joined', facts: { operatorId: 'op101', waitMs: 1_234 } }),
    'joined with op101 after 1.23 s in the queue',
  );
  t.equal(tellEntry({ kind: 'somethingNew', facts: { n: 1 } }), 'somethingNew, n 1');
  t.ok(asksForKeys({ kind: 'promptStarted', facts: { prompts: ['ru/wrong-key', 'ru/menu-topics'] } }));
  t.notOk(asksForKeys({ kind: 'promptStarted', facts: { prompts: ['ru/greeting'] } }));
});
