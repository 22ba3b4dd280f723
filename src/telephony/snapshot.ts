import type { Bridge, Channel } from '../ari/index.ts';
import type { SnapshotLeg, TelephonySnapshot } from '../contact/ports.ts';
import { asId, type BridgeId, type LegId } from '../foundation/index.ts';
import { arrivalOf, heardOf, isCalled, legIdOf, legVariable } from './leg-facts.ts';
import { isControlled, stateOf } from './translate.ts';

/** What the listings of Asterisk say about one shard. Bridges carry the shard as their name. */
export function snapshotOf(shard: string, channels: readonly Channel[], bridges: readonly Bridge[]): TelephonySnapshot {
  const ours = channels.filter((channel) => legVariable(channel, 'DZ_SHARD') === shard);
  const legIds = new Set(ours.map(legIdOf));
  const bridgesOfOurs = bridges
    .filter((bridge) => bridge.name === shard)
    .map((bridge) => ({
      bridgeId: asId<BridgeId>(bridge.id),
      legIds: bridge.channels.map((id) => asId<LegId>(id)).filter((id) => legIds.has(id)),
    }));
  const bridgeOf = new Map(
    bridgesOfOurs.flatMap(({ bridgeId, legIds: ids }) => ids.map((id) => [id, bridgeId] as const)),
  );
  return { legs: ours.map((channel) => legOf(channel, shard, bridgeOf.get(legIdOf(channel)))), bridges: bridgesOfOurs };
}

function legOf(channel: Channel, shard: string, bridgeId: BridgeId | undefined): SnapshotLeg {
  // Whom we called has not arrived: nobody is to take his leg for a new caller's.
  const arrival = isCalled(channel) ? undefined : arrivalOf(channel);
  const heard = heardOf(channel);
  const spoolFile = legVariable(channel, 'DZ_SPOOL');
  return {
    legId: legIdOf(channel),
    state: stateOf(channel),
    controlled: isControlled(channel, shard),
    ...(bridgeId !== undefined && { bridgeId }),
    ...(arrival !== undefined && { arrival }),
    ...(spoolFile !== undefined && { spoolFile }),
    ...(heard !== undefined && { heard }),
  };
}
