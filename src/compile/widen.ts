import type { CompiledHost } from '../model/task.ts';
import { perspectives, type Tunnel } from '../model/tunnel.ts';

/** A host that --limit does not name, and that is taken along because of these tunnels. */
export interface Widened {
  readonly host: string;
  readonly tunnels: ReadonlySet<string>;
}

/** The managed hosts at the other ends of the tunnels that the tasks of these hosts are about. */
export function otherEnds(
  hosts: readonly CompiledHost[],
  tunnels: readonly Tunnel[],
  isLimited: (host: string) => boolean,
): readonly Widened[] {
  const outward = tunnels.filter(({ ends: [a, b] }) => isLimited(a.host) !== isLimited(b.host));
  if (outward.length === 0) return [];
  const touched = new Set(hosts.flatMap(tunnelsOf));
  const found = new Map<string, Set<string>>();
  for (const tunnel of outward) {
    if (!touched.has(tunnel.name)) continue;
    for (const { src, dst } of perspectives(tunnel)) {
      if (!isLimited(src.host) || !dst.managed) continue;
      found.set(dst.host, (found.get(dst.host) ?? new Set()).add(tunnel.name));
    }
  }
  return [...found].map(([host, names]) => ({ host, tunnels: names }));
}

/** The tunnels that the tasks of a host are about, those left out that are known not to run. */
export function tunnelsOf({ tasks }: CompiledHost): readonly string[] {
  const names = new Set<string>();
  for (const { tunnel, when } of tasks) {
    if (tunnel !== null && !names.has(tunnel) && (when.needs.length > 0 || when.resolve({}))) names.add(tunnel);
  }
  return [...names];
}
