import { existsSync, readFileSync } from 'node:fs';

/** One message as SIPp saw it go or come. */
export interface Message {
  readonly atMs: number;
  readonly way: 'sent' | 'received';
  readonly callId: string;
  /** Method of the transaction. */
  readonly method: string;
  /** Undefined for a request. */
  readonly status?: number;
  /** User part of a request's URI. */
  readonly user?: string;
}

/** date, time, seconds since 1970, S or R, Call-ID, "CSeq:N METHOD", first line; between tabs. */
const linePattern = /^\S+\t\S+\t(\d+\.\d+)\t([SR])\t([^\t]+)\tCSeq:\s*\d+ (\w+)\t(.*)$/;

export function parseMessage(line: string): Message | undefined {
  const [, seconds, way, callId, method, first = ''] = linePattern.exec(line) ?? [];
  if (seconds === undefined || callId === undefined || method === undefined) return undefined;
  const status = /^SIP\/2\.0 (\d{3})/.exec(first)?.[1];
  const user = /^\w+ sip:([^@\s]+)@/.exec(first)?.[1];
  return {
    atMs: Number(seconds) * 1_000,
    way: way === 'S' ? 'sent' : 'received',
    callId,
    method,
    ...(status === undefined ? {} : { status: Number(status) }),
    ...(status === undefined && user !== undefined ? { user } : {}),
  };
}

/** Nothing yet when SIPp has not had a message. */
export function readMessages(file: string): readonly Message[] {
  if (!existsSync(file)) return [];
  const messages: Message[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const message = parseMessage(line);
    if (message !== undefined) messages.push(message);
  }
  return messages;
}

/** A call at an operator's phone. Instants are those at which SIPp sent or received the message. */
export interface PhoneCall {
  readonly extension: string;
  readonly invitedAtMs: number;
  acknowledgedAtMs?: number;
  /** The phone hung up: the operator is free. */
  hungUpAtMs?: number;
  /** The exchange took the call back before that. */
  takenBackAtMs?: number;
}

/** A call from its caller's side. */
export interface CallerCall {
  readonly sentAtMs: number;
  answeredAtMs?: number;
  endedAtMs?: number;
  /** The final answer was a refusal. */
  refusedWith?: number;
}

/** Repetitions of a message do not change what its first coming has set. */
export function phoneCalls(messages: readonly Message[]): readonly PhoneCall[] {
  const calls = new Map<string, PhoneCall>();
  for (const { callId, method, status, user, way, atMs } of messages) {
    if (status !== undefined) continue;
    if (method === 'INVITE' && way === 'received' && user !== undefined && !calls.has(callId)) {
      calls.set(callId, { extension: user, invitedAtMs: atMs });
      continue;
    }
    const call = calls.get(callId);
    if (call === undefined) continue;
    if (method === 'ACK') call.acknowledgedAtMs ??= atMs;
    else if (method === 'BYE' && way === 'sent') call.hungUpAtMs ??= atMs;
    else if (way === 'received' && (method === 'BYE' || method === 'CANCEL')) call.takenBackAtMs ??= atMs;
  }
  return [...calls.values()];
}

export function callerCalls(messages: readonly Message[]): readonly CallerCall[] {
  const calls = new Map<string, CallerCall>();
  for (const { callId, method, status, way, atMs } of messages) {
    if (method === 'INVITE' && way === 'sent' && status === undefined && !calls.has(callId)) {
      calls.set(callId, { sentAtMs: atMs });
      continue;
    }
    const call = calls.get(callId);
    if (call === undefined) continue;
    if (method === 'INVITE' && status === 200) call.answeredAtMs ??= atMs;
    else if (method === 'INVITE' && status !== undefined && status >= 300) call.refusedWith ??= status;
    else if (method === 'BYE' && status === undefined) call.endedAtMs ??= atMs;
  }
  return [...calls.values()];
}
