import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { TapReader } from '../../scripts/tap-results.ts';
import { runUp, type Terminal, type UpPorts } from '../../src/cli/index.ts';
import { type HotlineConfig, loadHotlineConfig } from '../../src/config/index.ts';
import { parseDeb822, parseOneLine, pickMirror } from '../../src/runtime/apt-sources.ts';
import { nextBackOffMs } from '../../src/runtime/child.ts';
import { LogFile } from '../../src/runtime/log-file.ts';
import { parseUris } from '../../src/runtime/packages.ts';
import { parseOsRelease } from '../../src/runtime/platform.ts';
import { portSentence } from '../../src/runtime/port-check.ts';
import { isAlive, nameProcess, signalProcess } from '../../src/runtime/process-facts.ts';
import { judgeAsterisk } from '../../src/runtime/programs.ts';
import { readRuntimeSettings } from '../../src/runtime/settings.ts';

t.test("the distribution's own mirror is found among the host's archives, with its key", async (t) => {
  const sources = parseDeb822(
    [
      'Types: deb',
      'URIs: https://packages.example.org/debian',
      'Suites: bookworm',
      'Components: stable',
      '',
      'Types: deb deb-src',
      '# a remark',
      'URIs: http://mirror.example.net/debian http://second.example.net/debian',
      'Suites: bookworm bookworm-updates',
      'Components: main contrib',
      'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
      '',
      'Types: deb',
      'Enabled: no',
      'URIs: http://off.example.net/debian',
      'Suites: bookworm',
      'Components: main',
    ].join('\n'),
  );
  t.same(
    sources.map((source) => source.uri),
    ['https://packages.example.org/debian', 'http://mirror.example.net/debian', 'http://second.example.net/debian'],
  );
  const own = pickMirror(sources, 'bookworm');
  t.equal(own?.uri, 'http://mirror.example.net/debian');
  t.equal(own?.signedBy, '/usr/share/keyrings/debian-archive-keyring.gpg');
});

t.test('one-line entries are read with their options; security and third-party archives are passed over', async (t) => {
  const sources = parseOneLine(
    [
      '# deb http://remark.example.net/debian bookworm main',
      'deb cdrom:[Debian 12]/ bookworm main',
      'deb http://security.example.net/debian-security bookworm-security main',
      'deb [arch=amd64 signed-by=/etc/apt/keyrings/other.gpg] https://other.example.org/apt bookworm-pgdg main',
      'deb [ arch=amd64 ] http://mirror.example.net/debian/ bookworm main contrib # ours',
      'deb-src http://mirror.example.net/debian/ bookworm main',
    ].join('\n'),
  );
  t.same(pickMirror(sources, 'bookworm'), {
    uri: 'http://mirror.example.net/debian/',
    suites: ['bookworm'],
    components: ['main', 'contrib'],
  });
  t.equal(pickMirror(sources, 'trixie'), undefined);
});

t.test('an embedded key keeps its lines', async (t) => {
  const [source] = parseDeb822(
    'Types: deb\nURIs: http://m.example/debian\nSuites: sid\nComponents: main\nSigned-By:\n -----BEGIN\n .\n abc\n',
  );
  t.equal(source?.signedBy, '-----BEGIN\n .\n abc');
});

t.test('what apt would fetch is counted with its sizes', async (t) => {
  const output =
    "Reading…\n'http://m.example/a_1%3a2_amd64.deb' a_1%3a2_amd64.deb 1200 SHA256:0\n'http://m.example/b_1_all.deb' b_1_all.deb 34 SHA256:1\n";
  t.same(parseUris(output), [
    { file: 'a_1%3a2_amd64.deb', bytes: 1200 },
    { file: 'b_1_all.deb', bytes: 34 },
  ]);
});

t.test('versions of Asterisk that deadlock or are too old are refused with the reason', async (t) => {
  for (const version of ['22.10.1', '22.11.0', '23.4.0', '24.0.0'])
    t.same(judgeAsterisk(version), { fits: true }, version);
  for (const version of ['20.19.0', '22.9.2', '23.3.0'])
    t.match(judgeAsterisk(version), { fits: false, reason: /deadlocks/ }, version);
  for (const version of ['20.20.0', '22.8.0', '23.2.1', '18.1.0'])
    t.match(judgeAsterisk(version), { fits: false, reason: /older/ }, version);
});

t.test('os-release is read with and without quotes', async (t) => {
  const release = parseOsRelease(
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_CODENAME=bookworm\n',
  );
  t.same(release, { id: 'debian', like: [], codename: 'bookworm', pretty: 'Debian GNU/Linux 12 (bookworm)' });
  t.same(parseOsRelease("ID=ubuntu\nID_LIKE='debian other'").like, ['debian', 'other']);
});

t.test(
  'a child that keeps ending waits longer each time, up to half a minute; one that had stayed up does not',
  async (t) => {
    let wait: number | undefined;
    const waits: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      wait = nextBackOffMs(wait, 100);
      waits.push(wait);
    }
    t.same(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    t.equal(nextBackOffMs(30_000, 60_000), 500);
  },
);

t.test('wrong settings are all named at once; empty ones count as unset', async (t) => {
  t.equal(readRuntimeSettings({ DOZVON_SIP_PORT: '' }).ports.sip, 5060);
  t.same(readRuntimeSettings({ DOZVON_RTP_PORTS: '20000-20099' }).ports.rtp, { first: 20_000, last: 20_099 });
  t.equal(readRuntimeSettings({}).ports.bind, '127.0.0.1');
  try {
    readRuntimeSettings({ DOZVON_SIP_PORT: '70000', DOZVON_BIND: 'nowhere', REDIS_URL: 'http://x' });
    t.fail('accepted');
  } catch (error) {
    t.match(error, { code: 'SETTINGS_INVALID' });
    for (const name of ['DOZVON_SIP_PORT', 'DOZVON_BIND', 'REDIS_URL']) t.ok(String(error).includes(name), name);
  }
});

t.test('the sentence about a taken port names it, what for, and how to move it', async (t) => {
  const wanted = {
    protocol: 'udp',
    address: '127.0.0.1',
    port: 5060,
    purpose: 'SIP',
    setting: 'DOZVON_SIP_PORT',
  } as const;
  const sentence = portSentence(wanted, 'EADDRINUSE');
  for (const word of ['UDP port 5060', '127.0.0.1', 'SIP', 'DOZVON_SIP_PORT']) t.ok(sentence.includes(word), word);
});

t.test('a process is known by its start, so that a pid used again is not taken for it', async (t) => {
  const self = nameProcess(process.pid);
  t.ok(self !== undefined && isAlive(self));
  const imposter = { pid: process.pid, startTicks: '1', bootId: self?.bootId ?? '' };
  t.notOk(isAlive(imposter));
  t.equal(signalProcess(imposter, 'SIGKILL'), 'gone');
});

t.test('a log keeps its mode and is rotated by size', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'dozvon-log-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'a.log');
  const log = new LogFile(file, 100);
  for (let i = 0; i < 10; i += 1) log.write(Buffer.from(`${i}${'x'.repeat(38)}\n`));
  t.equal(log.tail(1).charAt(0), '9');
  log.close();
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(readFileSync(`${file}.1`, 'utf8').charAt(0), '6');
});

function heldTerminal(): { readonly terminal: Terminal; readonly said: string[]; stop: () => void } {
  const said: string[] = [];
  const held = {
    said,
    stop: (): void => {},
    terminal: {
      print: (text: string) => void said.push(text),
      complain: (text: string) => void said.push(text),
      onStopRequest: (heard: (signal: NodeJS.Signals) => void) => {
        held.stop = () => heard('SIGINT');
      },
    },
  };
  return held;
}

function upPorts(terminal: Terminal, changes: Partial<UpPorts> = {}): UpPorts {
  return {
    checkPlatform: () => {},
    loadConfig: async () => ({ ok: false, faults: [] }),
    start: async () => {
      throw new Error('not to be started');
    },
    nowMs: () => 0,
    sipBind: '127.0.0.1',
    terminal,
    ...changes,
  };
}

t.test('a broken configuration is told whole, and nothing starts', async (t) => {
  const { terminal, said } = heldTerminal();
  const faults = [
    { file: 'hotline.yaml', line: 3, path: 'lines[0].schedule', expected: 'the id of a schedule', got: '"Q"' },
    { file: 'flows/main.yaml', path: 'nodes', expected: 'a group of entries', got: 'nothing' },
  ];
  t.equal(await runUp([], upPorts(terminal, { loadConfig: async () => ({ ok: false, faults }) })), 1);
  const text = said.join('\n');
  for (const word of ['2 faults', 'lines[0].schedule', 'flows/main.yaml', 'the id of a schedule'])
    t.ok(text.includes(word), word);
});

t.test('an unknown option is refused with the known ones', async (t) => {
  const { terminal, said } = heldTerminal();
  t.equal(await runUp(['--tseting'], upPorts(terminal)), 2);
  t.match(said.join('\n'), /--testing/);
});

t.test(
  'a hotline that only this machine can call is started for testing, one with a carrier only when asked',
  async (t) => {
    const shipped = await loadHotlineConfig(join(import.meta.dirname, '../../config'));
    if (!shipped.ok) throw new Error('expected the shipped configuration to load');
    const withCarrier = { ...shipped.config, trunks: [{ name: 'carrier', addresses: ['203.0.113.7'] }] };
    const testingOf = async (args: readonly string[], hotline: HotlineConfig, sipBind = '127.0.0.1') => {
      let testing: boolean | undefined;
      const start: UpPorts['start'] = async (options) => {
        testing = options.testing;
        throw new Error('seen enough');
      };
      const loadConfig = async () => ({ ...shipped, config: hotline });
      await t.rejects(runUp(args, upPorts(heldTerminal().terminal, { loadConfig, start, sipBind })), /seen enough/);
      return testing;
    };
    t.equal(await testingOf([], shipped.config), true);
    t.equal(await testingOf(['--no-testing'], shipped.config), false);
    t.equal(await testingOf([], shipped.config, '0.0.0.0'), false);
    t.equal(await testingOf([], withCarrier), false);
    t.equal(await testingOf(['--testing'], withCarrier), true);
  },
);

t.test('a test run is counted test by test; crashed, empty and unfinished files are failures', async (t) => {
  const reader = new TapReader();
  const output = [
    'TAP version 14',
    '# Subtest: test/unit/a.test.ts',
    '    # Subtest: fine',
    '        ok 1 - should be equal',
    '        1..1',
    '    ok 1 - fine # time=3ms',
    '    # Subtest: bad',
    '        not ok 1 - should be equal',
    '          ---',
    '          diff: |',
    '          ...',
    '    not ok 2 - bad # time=5ms',
    '    ok 3 - later # SKIP',
    'not ok 1 - test/unit/a.test.ts # time=20ms',
    '# Subtest: test/unit/b.test.ts',
    'not ok 2 - test/unit/b.test.ts # time=20ms',
    '# Subtest: test/unit/c.test.ts',
    '    1..0 # no tests found',
    'ok 3 - test/unit/c.test.ts # SKIP no tests found',
    '# Subtest: test/calls/e.test.ts',
    '    # Subtest: in hours',
    '        # Subtest: answered',
    '            ok 1 - heard',
    '            1..1',
    '        ok 1 - answered # time=2ms',
    '        # Subtest: busy',
    '            not ok 1 - next operator',
    '              ---',
    '              diff: of busy',
    '        not ok 2 - busy # time=2ms',
    '    not ok 1 - in hours # time=4ms',
    'not ok 5 - test/calls/e.test.ts # time=5ms',
    'ok 4 - test/unit/d.test.ts # time=9ms {',
    '    ok 1 - side by side # time=1ms',
    '}',
  ];
  for (const line of output) reader.line(line);
  const results = reader.results();
  t.match(results, { passed: 3, failed: 4, skipped: 1 });
  t.same(
    results.failures.map((failure) => failure.name),
    [
      'test/unit/a.test.ts › bad',
      'test/unit/b.test.ts',
      'test/unit/c.test.ts',
      'test/calls/e.test.ts › in hours › busy',
    ],
  );
  t.match(results.failures[0]?.diagnosis, /diff/);
  t.match(results.failures[3]?.diagnosis, /diff: of busy/);
  t.same(results.finishedFiles.length, 5);
});

t.test('a file that timed out does not fail another, though tap says so in its place', async (t) => {
  const verdictOf = (...last: readonly string[]): readonly string[] => {
    const verdicts: string[] = [];
    const reader = new TapReader((file, verdict) => verdicts.push(`${file} ${verdict}`));
    const output = [
      '# Subtest: hung.test.ts',
      '    not ok 1 - timeout!',
      'not ok 1 - hung.test.ts # time=300063ms',
      '# Subtest: last.test.ts',
      ...last,
      'not ok 2 - timeout!',
      '  ---',
      '  expired: hung.test.ts',
      '  ...',
    ];
    for (const line of output) reader.line(line);
    return verdicts;
  };
  const fine = ['    # Subtest: fine', '        ok 1 - heard', '        1..1', '    ok 1 - fine # time=2ms'];
  const failing = ['    # Subtest: bad', '        not ok 1 - heard', '        1..1', '    not ok 1 - bad # time=2ms'];
  t.same(verdictOf(...fine, '    1..1'), ['hung.test.ts failed', 'last.test.ts passed']);
  t.same(verdictOf(...failing, '    1..1'), ['hung.test.ts failed', 'last.test.ts failed']);
  t.same(verdictOf(...fine), ['hung.test.ts failed', 'last.test.ts failed'], 'cut off before its end');
});
