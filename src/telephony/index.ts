export { type AsteriskSettings, asteriskFolders, renderAsteriskConfig } from './asterisk-config.ts';
export { createTelephony, type TelephonySettings } from './telephony.ts';
