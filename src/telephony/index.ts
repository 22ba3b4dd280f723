export { type AmiAccess, AmiConnection, type AmiEvent, type AmiReply } from './ami.ts';
export { type AsteriskSettings, asteriskFolders, renderAsteriskConfig } from './asterisk-config.ts';
export { createTelephony, type TelephonySettings } from './telephony.ts';
