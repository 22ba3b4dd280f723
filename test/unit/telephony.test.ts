import { createHash } from 'node:crypto';
import t from 'tap';
import type { AriEvent, Channel } from '../../src/ari/index.ts';
import { asId, type BridgeId, type ContactId, type LegId, type PlaybackId } from '../../src/foundation/index.ts';
import { type AsteriskSettings, renderAsteriskConfig } from '../../src/telephony/asterisk-config.ts';
import { parseDevices } from '../../src/telephony/device-probe.ts';
import { heardOf } from '../../src/telephony/leg-facts.ts';
import { OutsideCalls } from '../../src/telephony/outside-calls.ts';
import { type LegRecord, newLeg, Registry } from '../../src/telephony/registry.ts';
import { snapshotOf } from '../../src/telephony/snapshot.ts';
import { calledEndCause, hangupCause, recordOf, type Translation, translate } from '../../src/telephony/translate.ts';

const shard = 's1';
const nowMs = 1_800_000_000_000;
const legId = asId<LegId>('n1-1.7');
const contactId = asId<ContactId>('c1');

function channel(change: Partial<Channel> = {}, vars: Readonly<Record<string, string>> = {}): Channel {
  const caller = { name: '', number: '' };
  return {
    id: legId,
    protocol_id: 'sip-call-id',
    name: 'PJSIP/trunk-carrier-00000001',
    state: 'Up',
    caller,
    connected: caller,
    accountcode: '',
    dialplan: { context: 'to-service', exten: 's', priority: 6, app_name: 'Stasis', app_data: 's1,inbound' },
    creationtime: '2026-11-21T12:00:00.000+0000',
    language: 'ru',
    channelvars: { DZ_SHARD: shard, DZ_CONTACT: '', ...vars },
    ...change,
  };
}

const base = { application: shard, timestamp: '2026-11-21T12:00:00.001+0000' };
const inboundVars = { DZ_DNIS: '88001000001', DZ_ANI: '+79160000001', DZ_TRUNK: 'carrier' };

function start(args: readonly string[], of: Channel, application = shard): AriEvent {
  return { ...base, application, type: 'StasisStart', args, channel: of };
}

/** Translates and applies, as the adapter does. */
function apply(registry: Registry, event: AriEvent): Translation {
  const translation = translate(registry, event, { shard, nowMs });
  const { leg, devices } = translation;
  if (leg !== undefined && 'ended' in leg) registry.forget(leg.ended);
  else if (leg !== undefined) registry.put(leg);
  if (devices !== undefined) registry.putDevices(devices.extension, devices.devices);
  return translation;
}

function withLeg(change: Partial<LegRecord> = {}): Registry {
  const registry = new Registry();
  registry.put({ ...newLeg(legId, 'originated'), contactId, ...change });
  return registry;
}

t.test('a caller arrives, leaves for the dialplan and comes back, ends', async (t) => {
  const registry = new Registry();
  const arrived = apply(registry, start(['inbound'], channel({ state: 'Ring' }, inboundVars)));
  const arrival = { dnis: '88001000001', ani: '+79160000001', trunk: 'carrier', sipCallId: 'sip-call-id' };
  t.same(arrived.events, [{ type: 'legArrived', legId, arrival, atMs: nowMs }]);
  registry.change(legId, { leaving: true });
  t.same(apply(registry, { ...base, type: 'StasisEnd', channel: channel() }).events, [], 'it will come back');
  t.equal(registry.leg(legId)?.controlled, false);
  const returned = apply(registry, start(['returned'], channel({}, { ...inboundVars, DZ_SPOOL: '/spool/1' })));
  t.same(returned.events, [{ type: 'legReturned', legId, arrival, spoolFile: '/spool/1', atMs: nowMs }]);
  t.match(registry.leg(legId), { controlled: true, state: 'up', leaving: false });
  const ended = apply(registry, { ...base, type: 'StasisEnd', channel: channel() });
  t.same(ended.events, [{ type: 'legEnded', legId, cause: 'normal', atMs: nowMs }]);
  const destroyed = { ...base, type: 'ChannelDestroyed', cause: 16, cause_txt: '', channel: channel() } as const;
  t.same(apply(registry, destroyed).events, [], 'ended once');
});

t.test('a caller who hangs up on the way through the dialplan has ended', async (t) => {
  const registry = withLeg({ kind: 'inbound', state: 'up', controlled: true, leaving: true });
  apply(registry, { ...base, type: 'StasisEnd', channel: channel() });
  const destroyed = { ...base, type: 'ChannelDestroyed', cause: 127, cause_txt: '', channel: channel() } as const;
  t.match(apply(registry, destroyed).events, [{ type: 'legEnded', cause: 'normal' }]);
});

t.test('strangers mean nothing', async (t) => {
  const registry = new Registry();
  t.same(apply(registry, start(['inbound'], channel({}, inboundVars), 's2')).events, [], 'of another shard');
  t.same(apply(registry, start([], channel())).events, [], 'a probe');
  t.same(apply(registry, start(['inbound'], channel())).events, [], 'without facts');
  t.same(apply(registry, start(['answered'], channel())).events, [], 'for no contact');
  t.same(apply(registry, { ...base, type: 'ChannelStateChange', channel: channel({ state: 'Ringing' }) }).events, []);
  t.same(
    apply(registry, { ...base, type: 'ChannelDtmfReceived', channel: channel(), digit: '1', duration_ms: 80 }).events,
    [],
  );
  t.same(apply(registry, { ...base, type: 'StasisEnd', channel: channel() }).events, []);
  t.same(registry.legs(), []);
});

t.test('an originated leg rings once, is answered, and its end has a cause', async (t) => {
  const registry = withLeg();
  const ringing: AriEvent = { ...base, type: 'ChannelStateChange', channel: channel({ state: 'Ringing' }) };
  t.match(apply(registry, ringing).events, [{ type: 'legRinging', legId, contactId }]);
  t.same(apply(registry, ringing).events, []);
  const answered = start(['answered'], channel({}, { DZ_CONTACT: contactId }));
  t.match(apply(registry, answered).events, [{ type: 'legAnswered', legId, contactId }]);
  const end = (record: Partial<LegRecord>, cause: number): unknown => {
    const destroyed = { ...base, type: 'ChannelDestroyed', cause, cause_txt: '', channel: channel() } as const;
    const [event] = apply(withLeg(record), destroyed).events;
    return event?.type === 'legEnded' ? event.cause : event;
  };
  t.equal(end({ state: 'ringing' }, 17), 'busy');
  t.equal(end({ state: 'ringing' }, 19), 'noAnswer');
  t.equal(end({ state: 'ringing', cancelled: true }, 16), 'cancelled');
  t.equal(end({ state: 'up' }, 34), 'normal', 'once answered it was a conversation');
  t.same([16, 18, 21, 20, 3, 26, 0].map(hangupCause), [
    'normal',
    'noAnswer',
    'declined',
    'unreachable',
    'unreachable',
    'cancelled',
    'failure',
  ]);
});

t.test('a key counts once though its event comes by the leg and by its endpoint', async (t) => {
  const registry = withLeg({ controlled: true });
  const press = (digit: string, timestamp: string) =>
    apply(registry, { ...base, timestamp, type: 'ChannelDtmfReceived', channel: channel(), digit, duration_ms: 80 })
      .events.length;
  t.same([press('1', 'a'), press('1', 'a'), press('1', 'b'), press('2', 'c'), press('2', 'c')], [1, 0, 1, 1, 0]);
});

t.test('playbacks, of legs and of bridges', async (t) => {
  const playbackId = asId<PlaybackId>('p1');
  const registry = withLeg({ playing: [playbackId, asId<PlaybackId>('p2')] });
  const finished = (target: string, state: 'done' | 'failed') =>
    apply(registry, {
      ...base,
      type: 'PlaybackFinished',
      playback: { id: playbackId, media_uri: 'sound:x', target_uri: target, language: 'ru', state },
    }).events;
  t.match(finished(`channel:${legId}`, 'done'), [{ type: 'playbackEnded', playbackId, outcome: 'played' }]);
  t.same(registry.leg(legId)?.playing, ['p2']);
  t.match(finished('bridge:b1', 'failed'), [{ outcome: 'failed' }]);
});

t.test('silence keeps the time of a recorded leg outside of bridges, until it is to end', async (t) => {
  const [first, second] = [asId<BridgeId>('b1'), asId<BridgeId>('b2')];
  const registry = withLeg({ controlled: true, keepTime: true });
  t.ok(registry.isSilenced(legId));
  registry.change(legId, { bridgeId: second });
  t.notOk(registry.isSilenced(legId));
  registry.leave(legId, first);
  t.notOk(registry.isSilenced(legId), 'it is in another by now');
  registry.leave(legId, second);
  t.ok(registry.isSilenced(legId));
  registry.change(legId, { ending: true });
  t.notOk(registry.isSilenced(legId));
  t.notOk(withLeg().isSilenced(legId), 'not recorded');
});

t.test('registered devices', async (t) => {
  const registry = new Registry();
  const status = (uri: string, contactStatus: string, extension = '101') =>
    apply(registry, {
      ...base,
      type: 'ContactStatusChange',
      endpoint: { technology: 'PJSIP', resource: extension, state: 'online', channel_ids: [] },
      contact_info: { uri, contact_status: contactStatus as 'Reachable', aor: extension },
    }).events;
  const one = 'PJSIP/101/sip:a@127.0.0.3:5060';
  const two = 'PJSIP/101/sip:b@127.0.0.3:5060';
  t.match(status('sip:b@127.0.0.3:5060', 'NonQualified'), [{ extension: '101', devices: [two] }]);
  t.same(status('sip:b@127.0.0.3:5060', 'Reachable'), [], 'known already');
  t.match(status('sip:a@127.0.0.3:5060', 'Reachable'), [{ devices: [one, two] }]);
  t.match(status('sip:b@127.0.0.3:5060', 'Unreachable'), [{ devices: [one] }]);
  t.match(status('sip:a@127.0.0.3:5060', 'Removed'), [{ devices: [] }]);
  t.same(status('sip:a@127.0.0.3:5060', 'Unknown'), []);
  t.same(status('sip:x@127.0.0.2:5060', 'Reachable', 'trunk-carrier'), [], 'a trunk is no operator');
  t.same(parseDevices(''), []);
  t.same(parseDevices(`${two}&${one};x=1&2`), [`${one};x=1&2`, two]);
});

t.test('what a listing says of our legs', async (t) => {
  const waiting = channel(
    { id: 'n1-1.8', dialplan: { context: 'to-shard', exten: 's', priority: 5, app_name: 'Wait', app_data: '0.2' } },
    { ...inboundVars, DZ_SPOOL: '/spool/1' },
  );
  const ringing = channel({ id: 'c1.l1', state: 'Ringing' }, { DZ_CONTACT: contactId });
  const others = channel({ id: 'x' }, { DZ_SHARD: 's2' });
  const bridge = {
    id: 'c1.b1',
    technology: '',
    bridge_type: 'holding',
    bridge_class: '',
    creator: '',
    creationtime: '',
  } as const;
  const snapshot = snapshotOf(
    shard,
    [channel({}, inboundVars), waiting, ringing, others],
    [
      { ...bridge, name: shard, channels: [legId, 'x'] },
      { ...bridge, id: 'b2', name: 's2', channels: ['x'] },
    ],
  );
  t.match(snapshot.legs, [
    { legId, state: 'up', controlled: true, bridgeId: 'c1.b1', arrival: { dnis: '88001000001' } },
    { legId: 'n1-1.8', controlled: false, spoolFile: '/spool/1' },
    { legId: 'c1.l1', state: 'ringing' },
  ]);
  t.same(snapshot.bridges, [{ bridgeId: 'c1.b1', legIds: [legId] }]);
  t.match(recordOf(waiting, shard), { kind: 'inbound', keepTime: true, controlled: false });
  t.match(recordOf(ringing, shard), { kind: 'originated', contactId, state: 'ringing' });
  t.equal(recordOf(others, shard), undefined);
});

const settings: AsteriskSettings = {
  program: {
    version: '22.10.1',
    command: (args) => ({ file: 'asterisk', args, env: {} }),
    moduleDir: '/r/modules',
    dataDir: '/r/share',
    musicDir: '/r/moh',
  },
  nodeId: 'n1',
  homeDir: '/h',
  bindAddress: '127.0.0.1',
  sipPort: 5060,
  ariPort: 8088,
  amiPort: 5038,
  rtpRange: { first: 10_000, last: 10_100 },
  ariUser: 'a',
  ariPassword: 'ari-planted',
  amiUser: 'm',
  amiPassword: 'ami-planted',
  shards: ['s1', 's2'],
  operators: [{ extension: '101', sipPassword: 'sip-planted' }],
  trunks: [
    { name: 'carrier', addresses: ['10.0.0.0/8', '192.0.2.1'], dial: { host: 'sip.example.org', port: 5062 } },
    { name: 'inbound', addresses: ['192.0.2.2'] },
  ],
  soundsDir: '/app/sounds',
  spoolDir: '/dev/shm/spool',
  testing: false,
};

t.test("Asterisk's configuration", async (t) => {
  const files = renderAsteriskConfig(settings);
  const all = Object.values(files).join('\n');
  t.notMatch(all, /\{\{|undefined/);
  t.notMatch(all, /sip-planted/, 'no SIP password, only its digest');
  const digest = createHash('md5').update('101:dozvon:sip-planted').digest('hex');
  t.match(files['pjsip.conf'], `password_digest = MD5:${digest}`);
  t.match(files['pjsip.conf'], 'match = 10.0.0.0/8\nmatch = 192.0.2.1');
  t.match(files['pjsip.conf'], 'bind_rtp_to_media_address = yes');
  t.match(files['pjsip.conf'], 'contact = sip:sip.example.org:5062');
  t.notMatch(files['pjsip.conf'], '[dial-inbound]', 'calls come in over it and none go out');
  t.match(files['pjsip.conf'], 'identify_by = ip', 'nobody is a trunk by calling himself one');
  t.match(files['http.conf'], 'bindaddr = 127.0.0.1');
  t.match(files['ari.conf'], 'websocket_write_timeout = 5000');
  t.match(files['extensions.conf'], 'DZ_SHARD_1 = s2');
  t.match(files['asterisk.conf'], 'astrundir => /h/run');
  t.notMatch(files['extensions.conf'], /X-Dozvon-At/, 'only where it runs for testing');
  t.match(renderAsteriskConfig({ ...settings, testing: true })['extensions.conf'], /X-Dozvon-At/);
  const outside = renderAsteriskConfig({ ...settings, bindAddress: '0.0.0.0' })['pjsip.conf'];
  t.notMatch(outside, /media_address/);
  t.match(outside, 'rewrite_contact = yes');
});

t.test('a setting that could begin another line is refused', async (t) => {
  for (const bad of [
    { ariPassword: 'x\nread_only = yes' },
    { operators: [{ extension: '101](x', sipPassword: 'x' }] },
    { trunks: [{ name: 'a b', addresses: [] }] },
    { trunks: [{ name: 'a', addresses: [], dial: { host: 'x\ncontact = sip:y', port: 5060 } }] },
    { soundsDir: '/a,b' },
    { soundsDir: 'relative' },
    { shards: ['s1,inbound'] },
  ]) {
    t.throws(() => renderAsteriskConfig({ ...settings, ...bad }), { code: 'ASTERISK_SETTING_INVALID' });
  }
});

t.test('a caller who is called back', async (t) => {
  const vars = { ...inboundVars, DZ_ROLE: 'caller', DZ_CONTACT: contactId, DZ_HEARD: 'HUMAN-820-800/80' };
  t.match(recordOf(channel({ state: 'Ringing' }, vars), shard), { kind: 'called', state: 'ringing', contactId });
  const [found] = snapshotOf(shard, [channel({}, vars)], []).legs;
  t.equal(found?.arrival, undefined, 'he has not arrived');
  t.equal(found?.heard, 'human');
  const registry = withLeg({ kind: 'called' });
  const progress = { ...base, type: 'Dial', dialstatus: 'PROGRESS', peer: channel({ state: 'Down' }, vars) } as const;
  t.match(apply(registry, progress).events, [{ type: 'legRinging', legId, contactId }], 'early media is ringing');
  t.same(apply(registry, progress).events, [], 'once');
  const answered = apply(registry, start(['answered'], channel({}, vars)));
  t.match(answered.events, [{ type: 'legAnswered', legId, contactId, heard: 'human' }]);
  const operators = withLeg();
  t.same(apply(operators, progress).events, [], 'of an operator’s phone only 180 is ringing');

  for (const [written, heard] of [
    ['MACHINE-LONGGREETING-2640-2600/131', 'machine'],
    ['MACHINE-MAXWORDS-9-8', 'machine'],
    ['MACHINE-INITIALSILENCE-4000-4000/200', 'silence'],
    ['MACHINE-MAXWORDLENGTH-2600-2600/130', 'unsure'],
    ['NOTSURE-TOOLONG-6000/300', 'unsure'],
    ['NOTSURE-TOOLONG-6000/0', 'silence'],
    ['HANGUP-/12', 'unsure'],
    ['', undefined],
  ] as const)
    t.equal(heardOf(channel({}, { DZ_HEARD: written })), heard, written);

  for (const [status, rang, gaveUp, cause] of [
    [486, true, false, 'busy'],
    [600, false, false, 'busy'],
    [603, true, false, 'declined'],
    [480, true, true, 'noAnswer'],
    [480, true, false, 'unreachable'],
    [480, false, true, 'unreachable'],
    [487, true, false, 'noAnswer'],
    [408, false, false, 'unreachable'],
    [404, true, false, 'unreachable'],
    [503, false, false, 'unreachable'],
    [undefined, true, true, 'noAnswer'],
  ] as const)
    t.equal(calledEndCause(status, { rang, gaveUp }), cause, `${String(status)} ${rang} ${gaveUp}`);
});

t.test('calls outside the queue are those that nothing of ours is written on', async (t) => {
  const calls = new OutsideCalls();
  const dialled = (exten: string) => ({ context: 'from-operator', exten, priority: 1, app_name: '', app_data: '' });
  const at = (change: Partial<Channel>, vars: Readonly<Record<string, string>> = {}): Channel =>
    channel({ name: 'PJSIP/101-0000000a', ...change }, { DZ_SHARD: '', ...vars });
  const created = (of: Channel): void => calls.onEvent({ ...base, type: 'ChannelCreated', channel: of });
  const changed = (of: Channel): void => calls.onEvent({ ...base, type: 'ChannelStateChange', channel: of });
  const gone = (id: string): void =>
    calls.onEvent({ ...base, type: 'ChannelDestroyed', cause: 16, cause_txt: '', channel: at({ id }) });
  t.same(calls.changes(['101', '102']), ['101', '102'], 'the first time all are told');
  t.same(calls.changes(['101', '102']), []);

  created(at({ id: 'contact', state: 'Down' }));
  changed(at({ id: 'contact', state: 'Ringing' }, { DZ_CONTACT: contactId, DZ_SHARD: 'another' }));
  changed(at({ id: 'contact', state: 'Up' }, { DZ_CONTACT: contactId, DZ_SHARD: 'another' }));
  created(at({ id: 'code', state: 'Ring', dialplan: dialled('*11') }));
  changed(at({ id: 'code' }, { DZ_CODE: '*11', DZ_SHARD: shard }));
  created(at({ id: 'carrier', state: 'Ring', name: 'PJSIP/trunk-101-0000000b' }));
  created(at({ id: 'probe', name: 'Local/s@nowhere-00000001;1' }));
  t.same(calls.changes(['101']), [], 'contacts, service codes and carriers are none');

  created(at({ id: 'own', state: 'Ring', dialplan: dialled('88001000001') }));
  changed(at({ id: 'own' }));
  t.same(calls.changes(['101', '102']), ['101']);
  created(at({ id: 'stranger', state: 'Down' }));
  t.equal(calls.count('101'), 1, 'not ringing yet');
  changed(at({ id: 'stranger', state: 'Ringing' }));
  t.equal(calls.count('101'), 2);
  gone('own');
  gone('own');
  t.equal(calls.count('101'), 1);
  calls.read([at({ id: 'found', name: 'PJSIP/102-0000000c' })]);
  t.same(calls.changes(['101', '102']), ['101', '102']);
  t.same([calls.count('101'), calls.count('102')], [0, 1]);
});
