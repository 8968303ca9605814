import type { Located } from '../../lang/yaml.ts';
import { expand, type Member } from './members.ts';
import type { Origin } from './origin.ts';

/**
 * The entries that must have the same psk as one another, because a host of them meets the same address of a peer in
 * both: psk.txt has one line for it. As far as that can be told from what is written in the entries.
 */
export function linkedEntries(origins: readonly Origin[], document: Located): (origin: Origin) => readonly Origin[] {
  const byPeer = new Map<string, Set<Origin>>();
  const peersOf = new Map<Origin, readonly string[]>();
  for (const origin of origins) {
    const peers = peersOfEntry(origin, document);
    peersOf.set(origin, peers);
    for (const peer of peers) byPeer.set(peer, (byPeer.get(peer) ?? new Set()).add(origin));
  }
  return (origin) => {
    const linked = new Set<Origin>();
    for (const peer of peersOf.get(origin) ?? []) for (const other of byPeer.get(peer) ?? []) linked.add(other);
    linked.delete(origin);
    return [...linked];
  };
}

/** Each of its tunnels twice: as either host sees the other. */
function peersOfEntry(origin: Origin, document: Located): readonly string[] {
  const { members, pairs } = expand(origin, document, () => {});
  return pairs.flatMap(({ ends: [first, second] }) => {
    const [a, b] = [members[first], members[second]];
    return a && b ? [peer(a, b), peer(b, a)] : [];
  });
}

function peer(from: Member, to: Member): string {
  return JSON.stringify([from.host, to.host, to.written.address ?? null]);
}
