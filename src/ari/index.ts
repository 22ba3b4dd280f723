export type * from './ari.gen.ts';
export { describedVersion } from './ari.gen.ts';
export { type AriAccess, AriConnection, type AriConnectionOptions, warnOfOtherVersion } from './connection.ts';
export type { AriArguments, AriOperationName, AriReply, AriRequest, AriResponse } from './operations.ts';
