import type { Redis } from 'ioredis';

type KeyContent =
  | { readonly hash: Readonly<Record<string, string>> }
  | { readonly set: readonly string[] }
  /** Member, score, member, score. */
  | { readonly sorted: readonly string[] }
  | { readonly text: string };

/**
 * What a program of version 1 of the keys left in Redis: 101 ready, 102 being rung for c2, 103 in conversation with c3, 104 in wrap-up after c4,
 * 105 set aside, 106 signed out; c1 waits under a class that only 106 can serve. Streams are left out.
 */
export const keysOfVersion1: Readonly<Record<string, KeyContent>> = {
  'class-heads:voice': { sorted: ['r1b69115921985846', '1800000120010'] },
  classes: {
    hash: {
      r1b69115921985846:
        '{"classId":"r1b69115921985846","terms":[{"skill":"b","minLevel":2}],"strategy":"longestIdle"}',
      r5b94f7119304841b:
        '{"classId":"r5b94f7119304841b","terms":[{"skill":"a","minLevel":1}],"strategy":"longestIdle"}',
    },
  },
  'contact:c1': {
    hash: {
      queueId: 'general',
      lineId: 'l',
      medium: 'voice',
      classId: 'r1b69115921985846',
      strategy: 'longestIdle',
      score: '1800000120010',
      enqueuedAtMs: '1800000000010',
      shard: 's1',
    },
  },
  'contact:c2': {
    hash: {
      queueId: 'general',
      lineId: 'l',
      medium: 'voice',
      classId: 'r5b94f7119304841b',
      strategy: 'longestIdle',
      score: '1800000120008',
      enqueuedAtMs: '1800000000008',
      shard: 's1',
      offerId: 'o1mcc5rm08p53x95vjxq9',
    },
  },
  'contacts:s1': { hash: { c3: 'sealed', c4: 'sealed', c5: 'sealed', c2: 'sealed', c1: 'sealed' } },
  'due:offers': { sorted: ['o1mcc5rm08p53x95vjxq9', '1800000035008'] },
  'due:set-asides': { sorted: ['105', '1800000030007'] },
  'holds:102': { hash: { c2: 'offered voice o1mcc5rm08p53x95vjxq9' } },
  'holds:103': { hash: { c3: 'connected voice o1mcc5rm011vd6k8764dx' } },
  'holds:104': { hash: { c4: 'wrapUp voice o1mcc5rm03jfy8bm72ds7' } },
  'map-version': { text: '6' },
  'offer:o1mcc5rm011vd6k8764dx': { hash: { contactId: 'c3', operatorId: '103', state: 'connected' } },
  'offer:o1mcc5rm08p53x95vjxq9': { hash: { contactId: 'c2', operatorId: '102', state: 'offered' } },
  'operator:101': {
    hash: {
      signedIn: '1',
      presence: 'ready',
      reachable: '1',
      extension: '101',
      skills: '{"a":1,"b":1}',
      profileId: 'p8cf74f876a476a09',
      'capacity:voice': '1',
      'capacity:chat': '0',
      readySinceMs: '1800000000009',
    },
  },
  'operator:102': {
    hash: {
      signedIn: '1',
      presence: 'ready',
      reachable: '1',
      extension: '102',
      skills: '{"a":1}',
      profileId: 'p38d8e023d06e961f',
      'capacity:voice': '1',
      'capacity:chat': '0',
      readySinceMs: '1800000000008',
      'held:voice': '1',
    },
  },
  'operator:103': {
    hash: {
      signedIn: '1',
      presence: 'ready',
      reachable: '1',
      extension: '103',
      skills: '{"a":1}',
      profileId: 'p38d8e023d06e961f',
      'capacity:voice': '1',
      'capacity:chat': '0',
      readySinceMs: '1800000000001',
      'held:voice': '1',
      contactsTaken: '1',
    },
  },
  'operator:104': {
    hash: {
      signedIn: '1',
      presence: 'ready',
      reachable: '1',
      extension: '104',
      skills: '{"a":1}',
      profileId: 'p38d8e023d06e961f',
      'capacity:voice': '1',
      'capacity:chat': '0',
      readySinceMs: '1800000000003',
      'held:voice': '1',
      contactsTaken: '1',
    },
  },
  'operator:105': {
    hash: {
      signedIn: '1',
      presence: 'ready',
      reachable: '1',
      extension: '105',
      skills: '{"a":9}',
      profileId: 'pcd98d3a168980422',
      'capacity:voice': '1',
      'capacity:chat': '0',
      readySinceMs: '1800000030007',
      'held:voice': '0',
      setAsideUntilMs: '1800000030007',
    },
  },
  'operator:106': {
    hash: {
      signedIn: '0',
      presence: 'loggedOff',
      reachable: '0',
      extension: '106',
      skills: '{"b":2}',
      profileId: 'pacc49506b10a75dc',
      'capacity:voice': '1',
      'capacity:chat': '0',
    },
  },
  operators: { set: ['101', '102', '103', '104', '105', '106'] },
  'profile-heads:voice:longestIdle': { sorted: ['p8cf74f876a476a09', '1800000000009'] },
  'profile-sizes': {
    hash: { p8cf74f876a476a09: '1', p38d8e023d06e961f: '3', pcd98d3a168980422: '1', pacc49506b10a75dc: '1' },
  },
  profiles: {
    hash: {
      p8cf74f876a476a09: '{"a":1,"b":1}',
      p38d8e023d06e961f: '{"a":1}',
      pcd98d3a168980422: '{"a":9}',
      pacc49506b10a75dc: '{"b":2}',
    },
  },
  'queue:general': { sorted: ['c2', '1800000120008', 'c1', '1800000120010'] },
  queues: { set: ['general'] },
  'ready:voice:longestIdle:p8cf74f876a476a09': { sorted: ['101', '1800000000009'] },
  schema: { text: '1' },
  'served-by:r1b69115921985846': { set: ['pacc49506b10a75dc'] },
  'served-by:r5b94f7119304841b': { set: ['p38d8e023d06e961f', 'p8cf74f876a476a09', 'pcd98d3a168980422'] },
  'serves:p38d8e023d06e961f': { set: ['r5b94f7119304841b'] },
  'serves:p8cf74f876a476a09': { set: ['r5b94f7119304841b'] },
  'serves:pacc49506b10a75dc': { set: ['r1b69115921985846'] },
  'serves:pcd98d3a168980422': { set: ['r5b94f7119304841b'] },
  'shard:s1': { hash: { nodeId: 'n1', expiresAtMs: '1800000004000', epoch: '1' } },
  shards: { set: ['s1'] },
  'waiting:voice:r1b69115921985846': { sorted: ['c1', '1800000120010'] },
};

export async function writeKeys(
  client: Redis,
  prefix: string,
  keys: Readonly<Record<string, KeyContent>>,
): Promise<void> {
  for (const [name, content] of Object.entries(keys)) {
    const key = `${prefix}${name}`;
    if ('hash' in content) await client.hset(key, content.hash);
    else if ('set' in content) await client.sadd(key, ...content.set);
    else if ('text' in content) await client.set(key, content.text);
    else {
      for (let i = 0; i + 1 < content.sorted.length; i += 2) {
        await client.zadd(key, content.sorted[i + 1] ?? '0', content.sorted[i] ?? '');
      }
    }
  }
}
