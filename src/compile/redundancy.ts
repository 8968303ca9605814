/** A tunnel, and those hosts of a play that are ends of it. */
export interface TunnelEnds {
  readonly name: string;
  readonly hosts: readonly string[];
}

/**
 * Tunnels that must not be changed in one go, because redundant hosts are ends of them and other hosts connect these: two
 * gateways to the same branches, say. Each part has the tunnels of one of them only. Every tunnel is in one part; a
 * tunnel between two hosts of a group is in a part without other tunnels of its connected set.
 */
export function parts(
  tunnels: readonly TunnelEnds[],
  groupOf: (host: string) => string | undefined,
): readonly ReadonlySet<string>[] {
  const made: Set<string>[] = [new Set()];
  for (const set of connectedTunnels(tunnels)) {
    const own: { readonly members: Map<string, string>; readonly closed: boolean }[] = [];
    for (const tunnel of set) {
      const ends = tunnel.hosts.flatMap((host) => {
        const group = groupOf(host);
        return group === undefined ? [] : [{ host, group }];
      });
      const closed = ends.some(({ group }, index) => ends.findIndex((end) => end.group === group) !== index);
      const fits = own.findIndex(
        (part) =>
          !closed && !part.closed && ends.every(({ host, group }) => (part.members.get(group) ?? host) === host),
      );
      const at = fits === -1 ? own.length : fits;
      const part = own[at] ?? { members: new Map<string, string>(), closed };
      own[at] = part;
      for (const { host, group } of ends) part.members.set(group, host);
      const names = made[at] ?? new Set<string>();
      made[at] = names;
      names.add(tunnel.name);
    }
  }
  return made;
}

function connectedTunnels(tunnels: readonly TunnelEnds[]): readonly (readonly TunnelEnds[])[] {
  const byHost = new Map<string, TunnelEnds[]>();
  for (const tunnel of tunnels) {
    for (const host of tunnel.hosts) byHost.set(host, [...(byHost.get(host) ?? []), tunnel]);
  }
  const taken = new Set<TunnelEnds>();
  return tunnels.flatMap((first) => {
    if (taken.has(first)) return [];
    const set = new Set([first]);
    for (const { hosts } of set) for (const host of hosts) for (const next of byHost.get(host) ?? []) set.add(next);
    for (const tunnel of set) taken.add(tunnel);
    return [tunnels.filter((tunnel) => set.has(tunnel))];
  });
}
