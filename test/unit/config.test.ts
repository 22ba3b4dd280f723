import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { canServeWritten } from '../../src/acd/index.ts';
import {
  describeFault,
  type LoadResult,
  lineByDnis,
  loadHotlineConfig,
  normaliseAni,
  normaliseDialled,
} from '../../src/config/index.ts';
import { evaluateSchedule } from '../../src/schedule/index.ts';

const shipped = fileURLToPath(new URL('../../config', import.meta.url));
const russia = { defaultCountry: 'RU' };

/** Loads a copy of the shipped configuration after `edit` has changed hotline.yaml (or another file of it). */
async function loadEdited(
  test: Test,
  edits: Readonly<Record<string, (text: string) => string>>,
  settings: Readonly<Record<string, string>> = {},
): Promise<{ readonly result: LoadResult; readonly faults: readonly string[]; readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'dozvon-config-'));
  test.teardown(() => rm(folder, { recursive: true }));
  await cp(shipped, folder, { recursive: true });
  for (const [name, edit] of Object.entries(edits)) {
    const file = join(folder, name);
    const before = await readFile(file, 'utf8');
    const after = edit(before);
    if (after === before) throw new Error(`the edit of ${name} changes nothing`);
    await writeFile(file, after);
  }
  const result = await loadHotlineConfig(folder, { settings });
  const faults = result.ok ? [] : result.faults.map((fault) => describeFault(fault).replace(`${folder}/`, ''));
  return { result, faults, folder };
}

t.test('the shipped configuration loads: lines, hours, queues that somebody serves', async (t) => {
  const result = await loadHotlineConfig(shipped, { settings: {} });
  if (!result.ok) return t.same(result.faults.map(describeFault), []);
  const { config, version, warnings } = result;
  t.same(warnings, []);
  t.match(version, /^[0-9a-f]{16}$/);
  t.same(
    config.lines.map((line) => [line.id, line.numbers, line.scheduleId, line.flowId]),
    [
      ['general', ['+78001000001'], 'B', 'main'],
      ['documents', ['+78002000002'], 'B', 'documents'],
      ['business', ['+78003000003'], 'B', 'business'],
      ['social', ['+78004000004'], 'B', 'social'],
      ['support', ['+78005553535'], 'A', 'main'],
      ['emergency', ['+78005550000'], 'always', 'emergency'],
    ],
  );
  for (const line of config.lines) {
    t.ok(config.schedules[line.scheduleId] && config.flows[line.flowId], `${line.id}: schedule and flow`);
  }
  for (const queue of config.queues) {
    const able = config.operators.filter((operator) => canServeWritten(operator.skills, queue.requirement));
    t.ok(able.length >= 2, `${queue.id}: ${able.length} operators`);
    t.equal(queue.answerTargetMs, 120_000);
    t.ok(config.announcements[queue.id], `${queue.id}: announcements`);
  }
  const starts = config.queues.map(({ id, headStartMs }) => [id, headStartMs]).filter(([, ms]) => ms !== 0);
  t.same(starts, [['emergency', 60 * 60_000]], 'ahead of every place that is given back');
  t.same(config.trunks, [{ name: 'carrier', addresses: ['127.0.0.2'], dial: { host: '127.0.0.2', port: 5060 } }]);
  t.equal(lineByDnis(config, '+78005553535')?.id, 'support');
  t.equal(lineByDnis(config, '+78009999999'), undefined);
  return t.throws(() => (config.lines as unknown[]).push({}), TypeError, 'frozen');
});

t.test('the shipped hours are those of the rules', async (t) => {
  const result = await loadHotlineConfig(shipped, { settings: {} });
  if (!result.ok) return t.fail('the shipped configuration has faults');
  const { schedules, calendar } = result.config;
  const open = (id: string, iso: string): boolean => {
    const schedule = schedules[id];
    return schedule !== undefined && evaluateSchedule(schedule, calendar, Date.parse(`${iso}:00+03:00`)).open;
  };
  // First open minute, last open minute and the minute after it, of each kind of day.
  const days: readonly (readonly [string, string, string, string])[] = [
    ['A', '2027-03-01', '08:00', '20:00'],
    ['A', '2027-03-06', '09:00', '17:00'],
    ['A', '2027-03-07', '10:00', '16:00'],
    ['A', '2027-01-01', '09:00', '13:00'],
    ['A', '2027-02-20', '08:00', '20:00'],
    ['A', '2027-11-05', '09:00', '13:00'],
    ['B', '2027-03-01', '08:00', '20:00'],
    ['B', '2027-03-06', '09:00', '18:00'],
    ['B', '2027-03-07', '10:00', '16:00'],
    ['B', '2027-01-03', '10:00', '14:00'],
    ['B', '2027-05-09', '10:00', '14:00'],
    ['B', '2027-12-31', '10:00', '14:00'],
  ];
  for (const [id, date, from, to] of days) {
    const minutes = Array.from({ length: 1440 }, (_, minute) => {
      const time = `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
      return { time, open: open(id, `${date}T${time}`) };
    });
    const wrong = minutes.filter((minute) => minute.open !== (minute.time >= from && minute.time < to));
    t.same(wrong, [], `${id} on ${date}: ${from}-${to}`);
  }
  return t.ok(open('always', '2027-01-01T00:00'));
});

t.test('settings of the environment are put in, and only those of ours', async (t) => {
  const result = await loadHotlineConfig(shipped, {
    settings: {
      DOZVON_EMERGENCY_NUMBER: '8 800 700-00-07',
      DOZVON_TRUNK_ADDRESSES: '192.0.2.1, 198.51.100.0/24',
      DOZVON_TRUNK_DIAL: 'sip.example.org',
      DOZVON_TRUNK_DIAL_PORT: '5062',
    },
  });
  if (!result.ok) return t.same(result.faults.map(describeFault), []);
  t.equal(lineByDnis(result.config, '+78007000007')?.id, 'emergency');
  t.same(result.config.trunks[0]?.addresses, ['192.0.2.1', '198.51.100.0/24']);
  t.same(result.config.trunks[0]?.dial, { host: 'sip.example.org', port: 5062 });
  const plain = await loadHotlineConfig(shipped, { settings: {} });
  t.not(plain.ok && plain.version, result.version, 'another number is another version');
  const edited = await loadEdited(t, {
    'hotline.yaml': (text) =>
      text.replace(/DOZVON_EMERGENCY_NUMBER:-\d+/, 'DOZVON_NOT_SET').replace('DOZVON_TRUNK_ADDRESSES', 'HOME'),
  });
  return t.match(edited.faults, [
    /^hotline.yaml:\d+: expected a setting whose name begins with DOZVON_, got \$\{HOME/,
    /trunks\[0\].addresses\[0\]: expected an IPv4 address, or an IPv6 address, or an IPv4 network/,
    /^hotline.yaml:\d+: expected the setting DOZVON_NOT_SET in the environment, got nothing$/,
    /lines\[5\].numbers\[0\]/,
  ]);
});

t.test('the version follows the content, not the comments', async (t) => {
  const original = await loadHotlineConfig(shipped, { settings: {} });
  const commented = await loadEdited(t, { 'hotline.yaml': (text) => `# one more comment\n${text}` });
  const renamed = await loadEdited(t, {
    'flows/emergency.yaml': (text) => text.replace(/topic: emergency/, 'topic: urgent'),
  });
  if (!original.ok || !commented.result.ok || !renamed.result.ok)
    return t.fail('expected three configurations without faults');
  t.equal(commented.result.version, original.version);
  return t.not(renamed.result.version, original.version, 'flows belong to it');
});

t.test('every fault is told at once, with file, line, path, what was expected and what came', async (t) => {
  const { faults } = await loadEdited(t, {
    'hotline.yaml': (text) =>
      text
        .replace('country: RU', 'country: Russia')
        .replace('schedule: B', 'schedule: C')
        .replace('flow: documents', 'flow: documentz')
        .replace('queue: business', 'queue: shops')
        .replace('8-800-400-00-04', '8-800-400-00-0')
        .replace('8-800-555-35-35', '+7 (800) 100-00-01')
        .replace('saturday: 09:00-17:00', 'saturday: 09:00-25:00')
        .replace('    recording: all', '    recoding: all')
        .replace('{ skill: status, minLevel: 1 }', '{ skill: states, minLevel: 1 }')
        .replace('{ skill: technical, minLevel: 1 }', '{ skill: technical, minLevel: 11 }')
        .replace('extension: "102"', 'extension: "101"')
        .replace('extension: "103"', 'extension: 103')
        .replace('technical: 9', 'technician: 9'),
    'calendar/russia.yaml': (text) => text.replace('to: 2027-11-05', 'to: 2027-11-06'),
    'flows/social.yaml': (text) => text.replace('queue: social', 'queue: sociable'),
  });
  const expected = [
    /^hotline.yaml:10: country: expected a country code of two capital letters such as "RU", got "Russia"$/,
    /^hotline.yaml:\d+: lines\[0\].recoding: expected no entry of this name, got "recoding"$/,
    /^hotline.yaml:\d+: lines\[0\].schedule: expected the id of a schedule \(A, B, always\), got "C"$/,
    /^hotline.yaml:\d+: lines\[4\].numbers\[0\]: expected a number that no other line has, got "\+78001000001"$/,
    /^hotline.yaml:\d+: queues\[5\].requirement\[0\].skill: expected the id of a skill \(account, .*\), got "states"$/,
    /^hotline.yaml:\d+: lines\[1\].flow: expected the id of a flow that is not a part \(business, .*\), got "documentz"$/,
    /^hotline.yaml:\d+: lines\[2\].queue: expected the id of a queue \(account, .*\), got "shops"$/,
    /^hotline.yaml:\d+: lines\[3\].numbers\[0\]: expected a telephone number or a short code, got "8-800-400-00-0"$/,
    /^hotline.yaml:\d+: schedules\[0\].week.saturday: expected "closed", "roundTheClock", an interval/,
    /^hotline.yaml:\d+: queues\[6\].requirement\[0\].minLevel: expected a number of at most 10, got 11$/,
    /^hotline.yaml:\d+: operators\[1\].extension: expected one that no other entry of operators has, got "101"$/,
    /^hotline.yaml:\d+: operators\[2\].extension: expected text \(a number as text goes in quotes\), got 103$/,
    /^hotline.yaml:\d+: operators\[3\].skills.technician: expected the id of a skill \(account, .*\), got "technician"$/,
    /^calendar\/russia.yaml:\d+: decrees\[2\].transfers\[0\].to: expected a Monday to Friday, got "2027-11-06"$/,
    /^flows\/social.yaml:\d+: nodes\.\w+\.queue: expected the id of a queue, got "sociable"$/,
  ];
  for (const pattern of expected)
    t.ok(
      faults.some((fault) => pattern.test(fault)),
      String(pattern),
    );
  t.equal(faults.length, expected.length, faults.join('\n'));
});

t.test('a queue sends contacts only where the flows they came from can go on', async (t) => {
  const limited = (limits: string) =>
    loadEdited(t, {
      'hotline.yaml': (text) => text.replace('headStartMs: 3600000', `limits: ${limits}\n    headStartMs: 3600000`),
    });
  const fromEmergency =
    /expected a node of the flow "emergency", from which contacts come to the queue "(\w+)", got "operatorsBusy"$/;
  const straight = await limited('{ wait: { afterMs: 60000, to: { node: operatorsBusy } } }');
  t.equal(straight.faults.length, 1, straight.faults.join('\n'));
  t.match(straight.faults[0], /^hotline.yaml:\d+: queues\[7\].limits.wait.to.node: /);
  t.equal(fromEmergency.exec(straight.faults[0] ?? '')?.[1], 'emergency');

  const throughAnother = await limited('{ length: { most: 5, to: { queue: general } } }');
  t.equal(throughAnother.faults.length, 2, throughAnother.faults.join('\n'));
  t.match(throughAnother.faults[0], /: queues\[0\].limits.wait.to.node: /);
  t.match(throughAnother.faults[1], /: queues\[0\].closing.to.node: /);
  t.equal(fromEmergency.exec(throughAnother.faults[0] ?? '')?.[1], 'general');

  t.match((await limited('{ wait: { afterMs: 60000, to: { node: nowhere } } }')).faults, [
    /expected the id of a node of a flow \(.*operatorsBusy.*\), got "nowhere"$/,
  ]);
  t.match((await limited('{ wait: { afterMs: 60000, to: { queue: nowhere } } }')).faults, [
    /queues\[7\].limits.wait.to.queue: expected the id of a queue \(.*\), got "nowhere"$/,
  ]);
  t.match((await limited('{ wait: { afterMs: 60000, to: { queue: emergency } } }')).faults, [
    /expected another queue than this, got "emergency"$/,
  ]);
  t.match((await limited('{ wait: { afterMs: 60000, to: { node: queueEmergency } } }')).faults, []);
});

t.test('a number, an address or an id stands in one place only', async (t) => {
  const { faults } = await loadEdited(t, {
    'hotline.yaml': (text) =>
      text
        .replace('8-800-555-35-35', '+7 (800) 100-00-01')
        .replace('{ id: business, name', '{ id: documents, name')
        .replace('addresses: [', 'addresses: [127.0.0.2, '),
    'flows/social.yaml': (text) => text.replace('id: social', 'id: main'),
  });
  const expected = [
    /^flows\/social.yaml:\d+: id: expected an id that no other flow has, got "main"/,
    /lines\[3\].flow: expected the id of a flow that is not a part .* got "social"/,
    /lines\[4\].numbers\[0\]: expected a number that no other line has, got "\+78001000001"/,
    /operators\[\d\].skills.business/,
    /operators\[\d\].skills.business/,
    /queues\[2\].requirement\[0\].skill: expected the id of a skill/,
    /queues\[2\].ladder.rungs\[0\].requirement: expected the id of a skill .* got "business" at character 1/,
    /queues\[2\].ladder.rungs\[2\].requirement: expected the id of a skill/,
    /skills\[2\].id: expected one that no other entry of skills has, got "documents"/,
    /trunks\[0\].addresses: expected an address that no other trunk has, got "127.0.0.2"/,
  ];
  for (const pattern of expected)
    t.ok(
      faults.some((fault) => pattern.test(fault)),
      String(pattern),
    );
  t.equal(faults.length, expected.length, faults.join('\n'));
});

t.test('the choice of a ladder is a node of some flow', async (t) => {
  const wrong = await loadEdited(t, {
    'hotline.yaml': (text) => text.replace('choiceNode: waitingChoice', 'choiceNode: choice'),
  });
  t.match(wrong.faults, [/^hotline.yaml:\d+: queues\[0\].ladder.choiceNode: expected the id of a node of a flow/]);
});

t.test('a call-back has an answer to every refusal, in the file where it is asked for', async (t) => {
  const wrong = await loadEdited(t, {
    'flows/call-back.yaml': (text) =>
      text.replace('tooFar: [call-back-too-far]', '').replace('default: callBackInstead', ''),
  });
  t.match(wrong.faults, [
    /^flows\/call-back.yaml:\d+: nodes.callBack.refused.tooFar: expected an entry for it, or `default`, got "none"$/,
    /^flows\/call-back.yaml:\d+: nodes.callBack.onRefused.failed: expected/,
  ]);
});

t.test('broken YAML, a missing file, a file that is no configuration', async (t) => {
  const broken = await loadEdited(t, {
    'hotline.yaml': (text) => text.replace('lines:', 'lines: ['),
  });
  t.match(broken.faults[0], /^hotline.yaml:\d+: expected YAML, got /);
  const twice = await loadEdited(t, { 'hotline.yaml': (text) => `${text}\nname: again\n` });
  t.match(twice.faults, [/expected YAML, got .*unique/]);
  const brokenFlow = await loadEdited(t, { 'flows/main.yaml': (text) => text.replace('entry: greeting', 'entry: [') });
  t.match(brokenFlow.faults[0], /^flows\/main.yaml:\d+: expected YAML/);
  const missing = await loadHotlineConfig(join(shipped, 'nothing-here.yaml'), { settings: {} });
  t.match(missing, { ok: false, faults: [{ expected: 'a file that can be read', got: /ENOENT/ }] });
  const noCalendar = await loadEdited(t, {
    'hotline.yaml': (text) => text.replace('calendar/russia', 'calendar/prussia'),
  });
  t.match(noCalendar.faults, [/^calendar\/prussia.yaml: expected a file that can be read/]);
  for (const text of ['', '42', '- a list']) {
    const { faults } = await loadEdited(t, { 'hotline.yaml': () => text });
    t.match(faults[0], /^hotline.yaml.* expected a group of entries, got /, `content "${text}"`);
  }
});

t.test('a queue that nobody can serve is a warning', async (t) => {
  const { result } = await loadEdited(t, {
    'hotline.yaml': (text) => text.replace('{ skill: emergency, minLevel: 5 }', '{ skill: emergency, minLevel: 9 }'),
  });
  t.match(result, { ok: true, warnings: [{ path: 'queues[7].requirement', got: 'none for the queue "emergency"' }] });
});

t.test('with the sounds at hand, a flow that names a prompt without sound is a fault', async (t) => {
  const sounds = await mkdtemp(join(tmpdir(), 'dozvon-sounds-'));
  t.teardown(() => rm(sounds, { recursive: true }));
  await writeFile(
    join(sounds, 'prompts.yaml'),
    'prompts: { greeting: { ru: Здравствуйте } }\nnumerals: {}\ntones: {}\n',
  );
  const result = await loadHotlineConfig(shipped, { settings: {}, soundsDir: sounds });
  const faults = result.ok ? [] : result.faults;
  t.ok(faults.length > 0 && faults.every((fault) => fault.expected === 'a prompt with a text and a sound'));
  t.ok(
    faults.some((fault) => fault.got === '"greeting"'),
    'a text without a sound does not do',
  );
});

t.test('what waiting callers are told is checked: queues, nodes, prompts, keys', async (t) => {
  const { faults } = await loadEdited(t, {
    'announcements.yaml': (text) =>
      text.replace('  emergency:', '  emergencies:').replace('node: waitingQuestions', 'node: informations'),
  });
  t.match(faults, [
    /^announcements.yaml:\d+: standard.keys.3.node: expected a node of a flow, got "informations"$/,
    /^announcements.yaml:\d+: queues.emergencies: expected the id of a queue, got "emergencies"$/,
  ]);
  const sounds = fileURLToPath(new URL('../../sounds', import.meta.url));
  t.equal((await loadHotlineConfig(shipped, { settings: {}, soundsDir: sounds })).ok, true);
  const { folder } = await loadEdited(t, {
    'announcements.yaml': (text) => text.replace('comfort-portal', 'comfort-song'),
  });
  const silent = await loadHotlineConfig(folder, { settings: {}, soundsDir: sounds });
  t.match(silent, { ok: false, faults: [{ path: 'standard', got: '"comfort-song"' }] });
  const none = await loadEdited(t, {
    'hotline.yaml': (text) => text.replace('announcements: announcements.yaml', ''),
  });
  t.match(none.result, { ok: true, config: { announcements: {} } });
  t.same(none.result.ok && none.result.config.announcements, {}, 'nothing is announced');
});

t.test('how callers are called back is checked: queues, settings, zones, codes', async (t) => {
  const shippedResult = await loadHotlineConfig(shipped, { settings: {} });
  if (!shippedResult.ok) return t.fail('the shipped configuration has faults');
  const { callBacks, numberZones } = shippedResult.config;
  t.match(callBacks, { general: { mode: 'operatorFirst', mostAttempts: 3, withinDays: 3 } });
  t.notOk(callBacks.emergency, 'who needs help at once is not sent away');
  t.equal(numberZones.countries.RU?.length, 11);
  const { faults } = await loadEdited(t, {
    'call-backs.yaml': (text) =>
      text.replace(/social: \{ mode: operatorFirst.*/, 'socials: { mode: nobodyFirst, ringTimeoutMs: 1 }'),
    'number-zones.yaml': (text) =>
      text.replace('[Europe/Samara]', '[Europe/Samarra]').replace('codes: [381]', 'codes: [381, 495]'),
  });
  t.match(faults, [
    /^call-backs.yaml:\d+: queues.socials.mode: expected "operatorFirst" or "callerFirst", got "nobodyFirst"$/,
    /^call-backs.yaml:\d+: queues.socials.ringTimeoutMs: expected a number of at least 5000, got 1$/,
    /^number-zones.yaml:\d+: areas\[5\].zones\[0\]: expected a time zone such as Europe\/Moscow, got "Europe\/Samarra"$/,
  ]);
  const twice = await loadEdited(t, {
    'call-backs.yaml': (text) => text.replace('social: {', 'socials: {'),
    'number-zones.yaml': (text) => text.replace('codes: [381]', 'codes: [381, 495]'),
  });
  t.match(twice.faults, [
    /^call-backs.yaml:\d+: queues.socials: expected the id of a queue, got "socials"$/,
    /^number-zones.yaml:\d+: areas\[10\].codes\[1\]: expected a code that stands nowhere else, got "495"$/,
  ]);
  const none = await loadEdited(t, {
    'hotline.yaml': (text) =>
      text.replace('callBacks: call-backs.yaml', '').replace('numberZones: number-zones.yaml', ''),
  });
  return t.same(none.result.ok && [none.result.config.callBacks, none.result.config.numberZones], [
    {},
    { countries: {}, areas: [] },
  ]);
});

t.test('a dialled number in any notation is the same number', async (t) => {
  const notations = [
    '88001000001',
    '78001000001',
    '+78001000001',
    '8001000001',
    '8-800-100-00-01',
    '8 (800) 100-00-01',
    '+7 800 100 00 01',
    '7 800 100-00-01',
    '810 7 800 100 00 01',
    '0078001000001',
    'tel:+7-800-100-00-01',
    'tel:8001000001;phone-context=+7',
    'sip:+78001000001@192.0.2.7;user=phone',
  ];
  for (const written of notations) {
    t.same(normaliseDialled(written, russia), { ok: true, kind: 'e164', e164: '+78001000001' }, written);
  }
  t.same(normaliseDialled('112', russia), { ok: true, kind: 'shortCode', code: '112' });
  t.same(normaliseDialled('*11', russia), { ok: true, kind: 'shortCode', code: '*11' });
  t.same(normaliseDialled('', russia), { ok: false, reason: 'empty' });
  for (const wrong of ['hello', '8800100000', '880010000012', '+7800', '12345', '8800100000a']) {
    t.same(normaliseDialled(wrong, russia), { ok: false, reason: 'notANumber' }, wrong);
  }
});

t.test('what is normalised once stays as it is, whatever stands between its digits', async (t) => {
  const national = fc.integer({ min: 0, max: 9_999_999 }).map((rest) => `800${String(rest).padStart(7, '0')}`);
  const prefix = fc.constantFrom('8', '7', '+7', '');
  const between = fc.constantFrom('', ' ', '-', ') ', ' (', '.');
  fc.assert(
    fc.property(national, prefix, fc.array(between, { minLength: 10, maxLength: 10 }), (digits, before, gaps) => {
      const written = before + digits.replace(/\d/g, (digit, index: number) => `${gaps[index] ?? ''}${digit}`);
      const once = normaliseDialled(written, russia);
      if (!once.ok || once.kind !== 'e164') return false;
      const again = normaliseDialled(once.e164, russia);
      return once.e164 === `+7${digits}` && again.ok && again.kind === 'e164' && again.e164 === once.e164;
    }),
    { numRuns: 300 },
  );
  t.pass('held');
});

t.test("a caller's number: known, withheld, or none", async (t) => {
  const known: readonly (readonly [string, string])[] = [
    ['+79161234567', '+79161234567'],
    ['89161234567', '+79161234567'],
    ['9161234567', '+79161234567'],
    ['87011234567', '+77011234567'], // Kazakhstan shares the code 7
    ['+493012345678', '+493012345678'],
    ['00493012345678', '+493012345678'],
    ['810493012345678', '+493012345678'],
  ];
  for (const [given, e164] of known) t.same(normaliseAni(given, russia), { known: true, e164 }, given);
  for (const given of ['', ' ', 'anonymous', 'Anonymous', 'sip:anonymous@anonymous.invalid', 'Unavailable']) {
    t.same(normaliseAni(given, russia), { known: false, reason: 'withheld' }, `"${given}"`);
  }
  for (const given of ['101', 'reception', '+7916123456']) {
    t.same(normaliseAni(given, russia), { known: false, reason: 'unrecognised' }, given);
  }
});

t.test('a line that records nothing and asks for spoken messages is warned of', async (t) => {
  const { result } = await loadEdited(t, {
    'hotline.yaml': (text) => text.replace('    recording: all', '    recording: none'),
  });
  t.match(result, { ok: true, warnings: [{ path: 'lines[0].recording', got: 'none for the line "general"' }] });
});

t.test('targets: those of the reference hotline, others as they are set, faults with their place', async (t) => {
  const shippedResult = await loadHotlineConfig(shipped, { settings: {} });
  t.match(shippedResult, {
    ok: true,
    config: { targets: { averageSpeedOfAnswerMs: 20_000, concludedInTime: 1, repeatContacts: 0.05 } },
  });
  const edited = await loadEdited(t, {
    'hotline.yaml': (text) => text.replace('satisfaction: 4.7', 'satisfaction: 6'),
  });
  t.match(edited.faults, [/hotline\.yaml:\d+: targets\.satisfaction: expected a number of at most 5, got 6/]);
  const without = await loadEdited(t, { 'hotline.yaml': (text) => text.replace(/\ntargets:\n(?: .*\n)+/, '\n') });
  t.match(without.result, { ok: true, config: { targets: { averageSpeedOfAnswerMs: 20_000, leastContacts: 10 } } });
});
