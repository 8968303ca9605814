import { naturalOrder } from '../model/natural-order.ts';
import type { Tunnel } from '../model/tunnel.ts';

/** All hosts, divided into shards. */
export interface Division {
  /** In the order of their numbers; some may be empty. */
  readonly shards: readonly DividedShard[];
  readonly hosts: number;
  /** A host without tunnels counts as one. */
  readonly ends: number;
  /** How many sets of hosts there are that stay together. */
  readonly sets: number;
}

export interface DividedShard {
  /** In natural order. */
  readonly hosts: readonly string[];
  readonly ends: number;
  /** Of the sets of hosts in it that stay together the one with the most ends. */
  readonly largest: { readonly hosts: readonly string[]; readonly ends: number } | null;
}

/**
 * Divides hosts into shards that can be worked on without knowing of each other: hosts that tunnels connect, directly or
 * through others, are in one shard, and so are the members of a redundancy group, of which no two may be at work.
 *
 * The order of the hosts and of the tunnels does not count. A set of hosts goes where its name's hash is highest
 * (rendezvous hashing) among the shards that have room for it, so that one tunnel or one shard more moves few of the
 * others; what has no room anywhere goes where the least is.
 */
export function divide(
  hosts: readonly string[],
  tunnels: readonly Tunnel[],
  groupOf: (host: string) => string | undefined,
  count: number,
): Division {
  const sets = boundSets(hosts, tunnels, groupOf);
  const ends = sets.reduce((sum, set) => sum + set.ends, 0);
  const room = (ends / count) * SLACK;
  const shards: Filling[] = Array.from({ length: count }, (_, at) => ({ salt: mixed(at + 1), ends: 0, sets: [] }));
  for (const set of sets.sort(largestFirst)) {
    const shard = chosen(set, shards, room);
    shard.ends += set.ends;
    shard.sets.push(set);
  }
  return {
    shards: shards.map((shard) => ({
      hosts: naturalOrder(shard.sets.flatMap((set) => set.hosts)),
      ends: shard.ends,
      // the larger ones came first, but for those of one magnitude
      largest: shard.sets.reduce<BoundSet | null>((most, set) => (set.ends > (most?.ends ?? 0) ? set : most), null),
    })),
    hosts: sets.reduce((sum, set) => sum + set.hosts.length, 0),
    ends,
    sets: sets.length,
  };
}

/** A shard takes no more than this much of a fair share, as long as another one has room. */
const SLACK = 1.1;

interface BoundSet {
  readonly hosts: readonly string[];
  readonly ends: number;
  /** Of its hosts' hashes the lowest: a host more rarely changes it. */
  readonly hash: number;
  /** The host with that hash. */
  readonly name: string;
}

interface Filling {
  readonly salt: number;
  ends: number;
  readonly sets: BoundSet[];
}

/** By magnitude: one end more seldom changes the order. */
function largestFirst(a: BoundSet, b: BoundSet): number {
  return magnitude(b) - magnitude(a) || a.hash - b.hash || (a.name < b.name ? -1 : 1);
}

function magnitude({ ends }: BoundSet): number {
  return 31 - Math.clz32(ends);
}

function chosen({ hash, ends }: BoundSet, shards: readonly Filling[], room: number): Filling {
  let best: Filling | undefined;
  let highest = -1;
  let least = shards[0];
  for (const shard of shards) {
    if (shard.ends < (least?.ends ?? 0)) least = shard;
    const score = mixed(hash ^ shard.salt);
    if (shard.ends + ends > room || score <= highest) continue;
    best = shard;
    highest = score;
  }
  const shard = best ?? least;
  if (shard === undefined) throw new Error('there are no shards');
  return shard;
}

function boundSets(
  hosts: readonly string[],
  tunnels: readonly Tunnel[],
  groupOf: (host: string) => string | undefined,
): BoundSet[] {
  const above = new Map(hosts.map((host) => [host, host]));
  const top = (host: string): string => {
    let at = host;
    for (let next = above.get(at); next !== undefined && next !== at; next = above.get(at)) {
      // halves the way of those that come after
      above.set(at, above.get(next) ?? next);
      at = next;
    }
    return at;
  };
  const ends = new Map<string, number>();
  for (const tunnel of tunnels) {
    const own = tunnel.ends.filter(({ host, managed }) => managed && above.has(host)).map(({ host }) => host);
    for (const host of own) ends.set(host, (ends.get(host) ?? 0) + 1);
    const [a, b] = own;
    if (a !== undefined && b !== undefined) above.set(top(a), top(b));
  }
  const members = new Map<string, string>();
  for (const host of hosts) {
    const group = groupOf(host);
    if (group === undefined) continue;
    const other = members.get(group);
    if (other === undefined) members.set(group, host);
    else above.set(top(host), top(other));
  }
  const sets = new Map<string, string[]>();
  for (const host of above.keys()) {
    const set = sets.get(top(host));
    if (set === undefined) sets.set(top(host), [host]);
    else set.push(host);
  }
  return [...sets.values()].map((set) => boundSet(set, ends));
}

function boundSet(hosts: readonly string[], ends: ReadonlyMap<string, number>): BoundSet {
  const [first] = hosts
    .map((name) => ({ name, hash: hashed(name) }))
    .sort((a, b) => a.hash - b.hash || (a.name < b.name ? -1 : 1));
  if (first === undefined) throw new Error('a set without hosts');
  return { hosts: naturalOrder(hosts), ends: hosts.reduce((sum, host) => sum + (ends.get(host) ?? 1), 0), ...first };
}

/** FNV-1a over UTF-16 units, spread. It must never change: it says which hosts are in which shard. */
function hashed(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mixed(hash);
}

/** The finalizer of MurmurHash3, 32 bits. */
function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
