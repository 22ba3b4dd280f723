import { join } from 'node:path';
import type { AsteriskProgram } from '../foundation/index.ts';

/** Where the second Asterisk listens and writes. All ports are on loopback. */
export interface PhonesSettings {
  readonly program: AsteriskProgram;
  /** Absolute folder of our own; everything written goes below it. */
  readonly dir: string;
  /** Source address of callers: what the hotline identifies its carrier trunk by. */
  readonly callerAddress: string;
  readonly callerPort: number;
  /** Source address of operators' phones: not a trunk, so that digest alone decides. */
  readonly phoneAddress: string;
  readonly phonePort: number;
  readonly ariPort: number;
  readonly amiPort: number;
  readonly rtpPorts: { readonly first: number; readonly last: number };
  readonly user: string;
  readonly password: string;
  /** The hotline's SIP address. */
  readonly target: { readonly host: string; readonly port: number };
}

/** The Stasis application that every leg of ours enters. */
export const phonesApplication = 'phones';

/** Only what telephones need: fewer threads, and a start in a fraction of a second. */
const modules = [
  'res_timing_timerfd',
  'res_sorcery_config',
  'res_sorcery_memory',
  'res_sorcery_astdb',
  'res_crypto',
  'res_http_websocket',
  'res_websocket_client',
  'res_pjproject',
  'res_pjsip',
  'res_pjsip_pubsub',
  'res_pjsip_session',
  'res_pjsip_sdp_rtp',
  'res_rtp_asterisk',
  'res_pjsip_outbound_authenticator_digest',
  'res_pjsip_outbound_registration',
  'res_pjsip_endpoint_identifier_ip',
  'res_pjsip_caller_id',
  'res_pjsip_header_funcs',
  'res_pjsip_rfc3326',
  'chan_pjsip',
  'codec_alaw',
  'codec_ulaw',
  'format_sln',
  'format_wav',
  'bridge_simple',
  'func_channel',
  'func_callerid',
  'app_mixmonitor',
  'res_stasis',
  'res_stasis_answer',
  'res_stasis_recording',
  'res_stasis_playback',
  'res_stasis_snoop',
  'app_stasis',
  'res_ari',
  'res_ari_model',
  'res_ari_applications',
  'res_ari_asterisk',
  'res_ari_channels',
  'res_ari_events',
  'res_ari_playbacks',
  'pbx_config',
];

function asteriskConf(settings: PhonesSettings): string {
  const below = (name: string): string => join(settings.dir, name);
  return `[directories]
astetcdir => ${below('etc')}
astmoddir => ${settings.program.moduleDir}
astvarlibdir => ${below('lib')}
astdbdir => ${below('lib')}
astkeydir => ${below('lib')}
astdatadir => ${settings.program.dataDir}
astagidir => ${below('lib')}
astspooldir => ${below('spool')}
astrundir => ${below('run')}
astlogdir => ${below('log')}

[options]
systemname = dozvon-phones
; A phone whose audio is switched off must send nothing at all.
transmit_silence = no
`;
}

function pjsipConf(settings: PhonesSettings): string {
  const media = (address: string): string => `media_address = ${address}
bind_rtp_to_media_address = yes
disallow = all
allow = alaw,ulaw
direct_media = no
dtmf_mode = rfc4733
rtp_symmetric = no
`;
  return `[global]
type = global
user_agent = dozvon-phones
endpoint_identifier_order = ip

[transport-callers]
type = transport
protocol = udp
bind = ${settings.callerAddress}:${settings.callerPort}

[transport-phones]
type = transport
protocol = udp
bind = ${settings.phoneAddress}:${settings.phonePort}

; Callers leave by this one; the hotline knows them by address.
[carrier]
type = endpoint
transport = transport-callers
context = nowhere
${media(settings.callerAddress)}
; Calls from the hotline to any of the registered phones, where the dialled user part names the device, or to a citizen's number.
[hotline]
type = endpoint
transport = transport-phones
context = incoming
${media(settings.phoneAddress)}
[hotline-address]
type = identify
endpoint = hotline
match = ${settings.target.host}
`;
}

/** \`HEARD\` is the file that takes what the leg hears (left) and says (right), 8 kHz s16le without a header. */
function extensionsConf(settings: PhonesSettings): string {
  const heard = join(settings.dir, 'heard');
  return `[general]
static = yes
writeprotect = yes

[nowhere]

[incoming]
exten => _[0-9a-z].,1,MixMonitor(${heard}/\${UNIQUEID}.sln,D)
 same => n,Stasis(${phonesApplication},incoming,\${EXTEN})
 same => n,Hangup()

; Any number that a citizen may have; whether somebody has it is decided by the test.
exten => _+X.,1,MixMonitor(${heard}/\${UNIQUEID}.sln,D)
 same => n,Stasis(${phonesApplication},citizen,\${EXTEN})
 same => n,Hangup()

[refuse]
exten => _XXX,1,PJSIPHangup(\${EXTEN})

[answered]
exten => s,1,MixMonitor(${heard}/\${UNIQUEID}.sln,D)
 same => n,Stasis(${phonesApplication},answered)
 same => n,Hangup()
`;
}

/** Asterisk's configuration files by name. */
export function renderPhonesConfig(settings: PhonesSettings): Readonly<Record<string, string>> {
  return {
    'asterisk.conf': asteriskConf(settings),
    'modules.conf': `[modules]\nautoload = no\n${modules.map((name) => `load = ${name}.so`).join('\n')}\n`,
    'logger.conf': '[general]\ndateformat = %F %T.%3q\n\n[logfiles]\nmessages.log => notice,warning,error\n',
    'http.conf': `[general]\nenabled = yes\nbindaddr = ${settings.callerAddress}\nbindport = ${settings.ariPort}\n`,
    'ari.conf': `[general]\nenabled = yes\nwebsocket_write_timeout = 5000\n\n[${settings.user}]\ntype = user\nread_only = no\npassword = ${settings.password}\n`,
    'manager.conf': `[general]\nenabled = yes\nbindaddr = ${settings.callerAddress}\nport = ${settings.amiPort}\n\n[${settings.user}]\nsecret = ${settings.password}\nread = system\nwrite = system\neventfilter(name(Registry)) =\n`,
    'rtp.conf': `[general]\nrtpstart = ${settings.rtpPorts.first}\nrtpend = ${settings.rtpPorts.last}\nstrictrtp = no\n`,
    'sorcery.conf':
      '[res_pjsip]\nauth = memory\nendpoint = config,pjsip.conf,criteria=type=endpoint\nendpoint = memory\n\n[res_pjsip_outbound_registration]\nregistration = memory\n',
    'pjsip.conf': pjsipConf(settings),
    'extensions.conf': extensionsConf(settings),
  };
}
