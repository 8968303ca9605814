/** A host of a play, as far as its place in the order of the run depends on it. */
export interface WaveHost {
  readonly host: string;
  /** Those that the play may change on it. */
  readonly tunnels: readonly string[];
  /** Of the hosts of a group at most one may be at work. */
  readonly group?: string | undefined;
}

export interface Waves<T extends WaveHost> {
  /** One after another; each host is in one of them, and so are both ends of each tunnel. */
  readonly waves: readonly (readonly T[])[];
  readonly notes: readonly WaveNote[];
}

/** Where a wave is not what was asked for, because both ends of a tunnel go together. */
export type WaveNote =
  | { readonly kind: 'larger'; readonly hosts: readonly string[]; readonly size: number }
  | { readonly kind: 'redundant'; readonly hosts: readonly string[]; readonly group: string };

/**
 * Puts connected sets into waves of at most these sizes, the last one repeated; none: as large as can be. A set that is
 * larger is a wave of its own. A set that has a member of a group of which the wave has another waits for a later one.
 */
export function waves<T extends WaveHost>(sets: readonly (readonly T[])[], sizes: readonly number[]): Waves<T> {
  const made: T[][] = [];
  const notes: WaveNote[] = sets.flatMap(redundantNotes);
  for (let rest = sets.filter((set) => set.length > 0); rest.length > 0; ) {
    const size = Math.max(1, sizes[Math.min(made.length, sizes.length - 1)] ?? Number.POSITIVE_INFINITY);
    const { wave, later } = fill(rest, size);
    if (wave.length > size) notes.push({ kind: 'larger', hosts: wave.map(({ host }) => host), size });
    made.push(wave);
    rest = later;
  }
  return { waves: made, notes };
}

/** The hosts that tunnels connect, each set in the order of the hosts, and the sets in that of their first hosts. */
export function connectedSets<T extends WaveHost>(hosts: readonly T[]): readonly (readonly T[])[] {
  const byTunnel = new Map<string, T[]>();
  for (const host of hosts) {
    for (const tunnel of host.tunnels) {
      const ends = byTunnel.get(tunnel);
      if (ends === undefined) byTunnel.set(tunnel, [host]);
      else ends.push(host);
    }
  }
  const place = new Map(hosts.map((host, index) => [host, index]));
  const taken = new Set<T>();
  const seen = new Set<string>();
  return hosts.flatMap((first) => {
    if (taken.has(first)) return [];
    const set = new Set([first]);
    for (const host of set) {
      for (const tunnel of host.tunnels) {
        if (seen.has(tunnel)) continue;
        seen.add(tunnel);
        for (const end of byTunnel.get(tunnel) ?? []) set.add(end);
      }
    }
    for (const host of set) taken.add(host);
    return [[...set].sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0))];
  });
}

/** The first set always; of those after it what fits, in their order, until one is too large. */
function fill<T extends WaveHost>(
  sets: readonly (readonly T[])[],
  size: number,
): { wave: T[]; later: (readonly T[])[] } {
  const wave: T[] = [];
  const later: (readonly T[])[] = [];
  const groups = new Set<string>();
  let full = false;
  for (const set of sets) {
    const own = groupsOf(set);
    full ||= wave.length > 0 && wave.length + set.length > size;
    if (full || own.some((group) => groups.has(group))) {
      later.push(set);
      continue;
    }
    wave.push(...set);
    for (const group of own) groups.add(group);
  }
  return { wave, later };
}

function redundantNotes(set: readonly WaveHost[]): readonly WaveNote[] {
  const groups = groupsOf(set);
  const twice = [...new Set(groups.filter((group, index) => groups.indexOf(group) !== index))];
  return twice.map((group) => ({
    kind: 'redundant',
    group,
    hosts: set.filter((host) => host.group === group).map(({ host }) => host),
  }));
}

function groupsOf(set: readonly WaveHost[]): readonly string[] {
  return set.flatMap(({ group }) => (group === undefined ? [] : [group]));
}
