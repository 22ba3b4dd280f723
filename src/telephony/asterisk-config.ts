import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AsteriskProgram, DozvonError } from '../foundation/index.ts';
import { legVariables } from './leg-facts.ts';

export interface AsteriskSettings {
  readonly program: AsteriskProgram;
  /** Name of this node; part of every inbound leg's id. */
  readonly nodeId: string;
  /** Absolute folder of our own. The files go to its `etc`; everything Asterisk writes goes below it too. */
  readonly homeDir: string;
  /** Address of SIP and RTP. */
  readonly bindAddress: string;
  readonly sipPort: number;
  readonly ariPort: number;
  readonly amiPort: number;
  readonly rtpRange: { readonly first: number; readonly last: number };
  readonly ariUser: string;
  readonly ariPassword: string;
  readonly amiUser: string;
  readonly amiPassword: string;
  /** Stasis applications that take new legs, in turn. */
  readonly shards: readonly string[];
  readonly operators: readonly { readonly extension: string; readonly sipPassword: string }[];
  /** Carriers, identified by address (with an optional prefix length) and by nothing else; `dial`: where they take our calls. */
  readonly trunks: readonly {
    readonly name: string;
    readonly addresses: readonly string[];
    readonly dial?: { readonly host: string; readonly port: number } | undefined;
  }[];
  /** Holds `<language>/<id>.wav`. */
  readonly soundsDir: string;
  /** Where the recordings are written, absolute; on tmpfs. Created with the other folders; the service names the files in it. */
  readonly spoolDir: string;
  /** Operators' phones may dial lines, and a caller may set the instant at which the schedule is evaluated. */
  readonly testing: boolean;
}

/** How long a leg waits for the service: longer than a restart of the service and a take-over of its shard. */
const waitForServiceSeconds = 15;

/** Part of every digest: a change of it makes every stored digest worthless. */
const digestRealm = 'dozvon';

/**
 * What is loaded and nothing else. Formats come before music on hold, which skips files of a format that it does not know yet.
 */
const modules = [
  'res_timing_timerfd',
  'res_sorcery_config',
  'res_sorcery_memory',
  'res_sorcery_astdb',
  'res_http_websocket',
  'res_websocket_client',
  'codec_alaw',
  'codec_ulaw',
  'codec_resample',
  'format_pcm',
  'format_sln',
  'format_wav',
  'res_musiconhold',
  'res_security_log',
  'res_pjproject',
  'res_pjsip',
  'res_pjsip_session',
  'res_pjsip_pubsub',
  'res_pjsip_sdp_rtp',
  'res_rtp_asterisk',
  'res_pjsip_registrar',
  'res_pjsip_authenticator_digest',
  'res_pjsip_endpoint_identifier_ip',
  'res_pjsip_endpoint_identifier_user',
  'res_pjsip_caller_id',
  'res_pjsip_header_funcs',
  'res_pjsip_nat',
  'res_pjsip_rfc3326',
  'res_pjsip_dtmf_info',
  'chan_pjsip',
  'chan_bridge_media',
  'bridge_simple',
  'bridge_holding',
  'bridge_softmix',
  'func_callerid',
  'func_channel',
  'func_global',
  'func_logic',
  'func_strings',
  'func_pjsip_aor',
  'func_pjsip_contact',
  'func_pjsip_endpoint',
  'app_amd',
  'app_exec',
  'app_mixmonitor',
  'app_playback',
  'app_stasis',
  'res_stasis',
  'res_stasis_answer',
  'res_stasis_device_state',
  'res_stasis_playback',
  'res_stasis_recording',
  'res_stasis_snoop',
  'res_ari',
  'res_ari_model',
  'res_ari_applications',
  'res_ari_asterisk',
  'res_ari_bridges',
  'res_ari_channels',
  'res_ari_endpoints',
  'res_ari_events',
  'res_ari_playbacks',
  'pbx_config',
] as const;

const templateNames = [
  'asterisk.conf',
  'modules.conf',
  'logger.conf',
  'http.conf',
  'ari.conf',
  'manager.conf',
  'rtp.conf',
  'sorcery.conf',
  'musiconhold.conf',
  'amd.conf',
  'pjsip.conf',
  'extensions.conf',
] as const;

/** Files that Asterisk expects and that have nothing to say here: without them it complains at every start. */
const restFiles: Readonly<Record<string, string>> = {
  'acl.conf': '',
  'ccss.conf': '[general]\n',
  'cdr.conf': '[general]\nenable = no\n',
  'cel.conf': '[general]\nenable = no\n',
  'features.conf': '[general]\n',
  'indications.conf':
    '[general]\ncountry = ru\n\n[ru]\ndescription = Russia\nringcadence = 1000,4000\ndial = 425\nbusy = 425/350,0/350\nring = 425/1000,0/4000\ncongestion = 425/175,0/175\n',
  'pjproject.conf': '',
  'udptl.conf': '[general]\n',
  'websocket_client.conf': '',
};

/** Name of a trunk's endpoint. Operators' endpoints are named by their extension. */
export function trunkEndpoint(name: string): string {
  return `trunk-${name}`;
}

/**
 * Name of the endpoint that calls go out by. It is another one than calls come in by, so that a shard can watch the calls it places
 * without being told of every call that comes in.
 */
export function dialEndpoint(trunkName: string): string {
  return `dial-${trunkName}`;
}

/** Folders to exist before Asterisk starts, mode 0700. */
export function asteriskFolders(settings: AsteriskSettings): readonly string[] {
  return [...['etc', 'lib', 'spool', 'run', 'log'].map((name) => join(settings.homeDir, name)), settings.spoolDir];
}

/**
 * Asterisk's configuration files by name, for `<homeDir>/etc`. They hold secrets: mode 0600, and Asterisk itself under umask 077.
 * Throws `DozvonError('ASTERISK_SETTING_INVALID')` for a value that could end its line or begin another.
 */
export function renderAsteriskConfig(settings: AsteriskSettings): Readonly<Record<string, string>> {
  const folder = fileURLToPath(new URL('../../dialplans/', import.meta.url));
  const values = valuesOf(settings);
  const filled = templateNames.map((name) => [name, fill(name, readFileSync(join(folder, name), 'utf8'), values)]);
  return { ...restFiles, ...(Object.fromEntries(filled) as Record<string, string>) };
}

function fill(name: string, template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_whole, key: string) => {
    const value = values[key];
    if (value === undefined) throw new DozvonError('TEMPLATE_BROKEN', `dialplans/${name}: no value for {{${key}}}`);
    return value;
  });
}

function valuesOf(settings: AsteriskSettings): Readonly<Record<string, string>> {
  const { program } = settings;
  return {
    home: path('homeDir', settings.homeDir),
    moduleDir: path('program.moduleDir', program.moduleDir),
    dataDir: path('program.dataDir', program.dataDir),
    musicDir: path('program.musicDir', program.musicDir),
    soundsDir: path('soundsDir', settings.soundsDir),
    nodeId: word('nodeId', settings.nodeId),
    bindAddress: word('bindAddress', settings.bindAddress),
    sipPort: String(settings.sipPort),
    ariPort: String(settings.ariPort),
    amiPort: String(settings.amiPort),
    rtpFirst: String(settings.rtpRange.first),
    rtpLast: String(settings.rtpRange.last),
    ariUser: word('ariUser', settings.ariUser),
    ariPassword: word('ariPassword', settings.ariPassword),
    amiUser: word('amiUser', settings.amiUser),
    amiPassword: word('amiPassword', settings.amiPassword),
    modules: modules.map((name) => `load = ${name}.so`).join('\n'),
    channelVars: legVariables.join(','),
    realm: digestRealm,
    media: mediaLines(settings),
    operators: settings.operators.map(operatorSections).join(''),
    trunks: settings.trunks.map(trunkSections).join(''),
    shardCount: String(settings.shards.length),
    shardGlobals: settings.shards.map((shard, i) => `DZ_SHARD_${i} = ${word('shards', shard)}`).join('\n'),
    waitSeconds: String(waitForServiceSeconds),
    ...testingValues(settings.testing),
  };
}

function testingValues(testing: boolean): Readonly<Record<string, string>> {
  if (!testing) return { operatorsReach: ' and nothing else', operatorLines: '', evaluateAt: '' };
  return {
    operatorsReach: ' and, for testing, the lines',
    operatorLines: `exten => _[+0-9]!,1,Set(DZ_DNIS=\${FILTER(+0-9,\${EXTEN})})
 same => n,Set(DZ_TRUNK=operators)
 same => n,Goto(inbound,s,1)
`,
    evaluateAt: ` same => n,Set(DZ_AT=\${FILTER(0-9TZ:.+\\-,\${PJSIP_HEADER(read,X-Dozvon-At)})})\n`,
  };
}

function mediaLines(settings: AsteriskSettings): string {
  const lines = ['disallow = all', 'allow = alaw,ulaw', 'dtmf_mode = auto', 'direct_media = no', 'language = ru'];
  // RTP sockets bind every address unless they are told, though SIP listens on one.
  if (settings.bindAddress !== '0.0.0.0') {
    lines.push(`media_address = ${settings.bindAddress}`, 'bind_rtp_to_media_address = yes');
  }
  // Phones behind address translation give an address that cannot be reached; on loopback there is none.
  if (!settings.bindAddress.startsWith('127.')) lines.push('rewrite_contact = yes', 'rtp_symmetric = yes');
  return lines.join('\n');
}

function operatorSections(operator: AsteriskSettings['operators'][number]): string {
  const { extension, sipPassword } = operator;
  if (!/^\d{2,10}$/.test(extension)) throw invalid('operators.extension', '2 to 10 digits');
  const digest = createHash('md5').update(`${extension}:${digestRealm}:${sipPassword}`).digest('hex');
  return `
[${extension}](phone)
auth = ${extension}
aors = ${extension}

[${extension}](phone-auth)
username = ${extension}
password_digest = MD5:${digest}

[${extension}](phone-aor)
`;
}

function trunkSections(trunk: AsteriskSettings['trunks'][number]): string {
  const name = trunkEndpoint(word('trunks.name', trunk.name));
  const matches = trunk.addresses.map((address) => `match = ${word('trunks.addresses', address)}\n`);
  return `
[${name}](trunk)
set_var = DZ_TRUNK=${trunk.name}

[${name}]
type = identify
endpoint = ${name}
${matches.join('')}${trunk.dial === undefined ? '' : dialSections(trunk.name, trunk.dial)}`;
}

/** Not asked whether it is there: carriers do not all answer, and one that is away is told by the call. */
function dialSections(trunkName: string, dial: { readonly host: string; readonly port: number }): string {
  const name = dialEndpoint(trunkName);
  return `
[${name}](trunk)
aors = ${name}

[${name}]
type = aor
contact = sip:${word('trunks.dial.host', dial.host)}:${dial.port}
`;
}

function word(name: string, value: string): string {
  if (!/^[A-Za-z0-9._:/+-]+$/.test(value)) throw invalid(name, 'letters, digits and . _ : / + - only');
  return value;
}

/** Commas part arguments in the dialplan and media in ARI, a semicolon begins a comment. */
function path(name: string, value: string): string {
  if (!/^\/[^,;&|$"'()[\]{}<>\\\s]*$/.test(value))
    throw invalid(name, 'an absolute path without spaces and without , ; & and the like');
  return value.replace(/\/+$/, '');
}

function invalid(name: string, expected: string): DozvonError {
  return new DozvonError('ASTERISK_SETTING_INVALID', `Asterisk setting ${name}: expected ${expected}`);
}
