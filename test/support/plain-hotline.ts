import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AsteriskProgram } from '../../src/foundation/index.ts';

/** A far end for the phones that owes nothing to the product: a third Asterisk with a dialplan of tones. */
export interface PlainHotline {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

const modules = `res_timing_timerfd res_sorcery_config res_sorcery_memory res_sorcery_astdb res_crypto res_http_websocket res_pjproject
res_pjsip res_pjsip_pubsub res_pjsip_session res_pjsip_sdp_rtp res_rtp_asterisk res_pjsip_authenticator_digest res_pjsip_endpoint_identifier_ip
res_pjsip_endpoint_identifier_user res_pjsip_registrar res_pjsip_caller_id res_pjsip_header_funcs chan_pjsip codec_alaw codec_ulaw
bridge_simple func_channel func_callerid func_pjsip_endpoint func_pjsip_contact func_pjsip_aor pbx_config app_dial app_read app_playtones
func_logic`;

/**
 * What the lines do: 100 waits for key 1 and calls extension 101, 200 is busy, 300 says 700 Hz when the header X-Dozvon-At is there,
 * 400 says 800 Hz when the number is withheld and 900 Hz when it is +79001234567, 500 only listens. Phones may dial *11 (440 Hz).
 */
const extensions = `[carrier]
exten => 100,1,Answer()
 same => n,Read(KEY,,1,,1,10)
 same => n,GotoIf($["\${KEY}" != "1"]?done)
 same => n,Playtones(600)
 same => n,Wait(1.5)
 same => n,StopPlaytones()
 same => n,Dial(\${PJSIP_DIAL_CONTACTS(101)},10)
 same => n(done),Hangup()
exten => 200,1,Hangup(17)
exten => 300,1,Answer()
 same => n,GotoIf($["\${PJSIP_HEADER(read,X-Dozvon-At)}" = ""]?done)
 same => n,Playtones(700)
 same => n,Wait(2)
 same => n(done),Hangup()
exten => 400,1,Answer()
 same => n,Playtones(\${IF($["\${CALLERID(num)}" = "+79001234567"]?900:\${IF($["\${CALLERID(num)}" = "anonymous"]?800:1000)})})
 same => n,Wait(2)
 same => n,Hangup()
exten => 500,1,Answer()
 same => n,Wait(30)

[operators]
exten => *11,1,Answer()
 same => n,Playtones(440)
 same => n,Wait(2)
 same => n,Hangup()
`;

export async function startPlainHotline(options: {
  readonly program: AsteriskProgram;
  readonly dir: string;
  readonly host: string;
  readonly port: number;
}): Promise<PlainHotline> {
  const { program, dir, host, port } = options;
  const etc = join(dir, 'etc');
  for (const name of ['etc', 'lib/keys', 'spool', 'run', 'log']) mkdirSync(join(dir, name), { recursive: true });
  const files: Record<string, string> = {
    'asterisk.conf': `[directories]\nastetcdir => ${etc}\nastmoddir => ${program.moduleDir}\nastvarlibdir => ${dir}/lib\nastdbdir => ${dir}/lib\nastkeydir => ${dir}/lib\nastdatadir => ${program.dataDir}\nastspooldir => ${dir}/spool\nastrundir => ${dir}/run\nastlogdir => ${dir}/log\n`,
    'modules.conf': `[modules]\nautoload = no\n${modules
      .split(/\s+/)
      .map((name) => `load = ${name}.so`)
      .join('\n')}\n`,
    'logger.conf': '[logfiles]\nmessages.log => notice,warning,error\n',
    'rtp.conf': '[general]\nrtpstart = 20000\nrtpend = 20998\n',
    'pjsip.conf': pjsip(host, port),
    'extensions.conf': extensions,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(etc, name), text);
  const ready = Promise.withResolvers<void>();
  const watcher = watch(join(dir, 'run'), (_event, name) => {
    if (name === 'asterisk.ctl') ready.resolve();
  });
  const command = program.command(['-C', join(etc, 'asterisk.conf'), '-f']);
  const child: ChildProcess = spawn(command.file, [...command.args], { env: { ...command.env }, stdio: 'ignore' });
  child.once('exit', () => ready.reject(new Error(`the plain hotline ended: see ${dir}/log`)));
  await ready.promise;
  watcher.close();
  await booted(program, etc);
  return {
    host,
    port,
    async stop() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/** The console's own command that returns when everything is loaded. */
async function booted(program: AsteriskProgram, etc: string): Promise<void> {
  const command = program.command(['-C', join(etc, 'asterisk.conf'), '-rx', 'core waitfullybooted']);
  await once(spawn(command.file, [...command.args], { env: { ...command.env }, stdio: 'ignore' }), 'exit');
}

function pjsip(host: string, port: number): string {
  const media = `media_address = ${host}\nbind_rtp_to_media_address = yes\ndisallow = all\nallow = alaw\ndirect_media = no\n`;
  return `[global]
type = global
endpoint_identifier_order = ip,username

[transport]
type = transport
protocol = udp
bind = ${host}:${port}

[carrier]
type = endpoint
context = carrier
${media}
[carrier-address]
type = identify
endpoint = carrier
match = 127.0.0.2

[101]
type = auth
auth_type = userpass
username = 101
password = right-password

[101]
type = aor
max_contacts = 5
remove_existing = no

[101]
type = endpoint
context = operators
auth = 101
aors = 101
${media}`;
}
