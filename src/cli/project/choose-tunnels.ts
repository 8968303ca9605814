import { selectTunnels } from '../../compile/select-tunnels.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import type { CompiledHost } from '../../model/task.ts';
import type { Tunnel } from '../../model/tunnel.ts';
import { knownWords } from '../../playbook/suggest.ts';
import type { Project } from './load.ts';

export interface ChosenTunnels {
  /** Those with `state: absent` are not among them. */
  readonly tunnels: readonly Tunnel[];
  readonly diagnostics: readonly Diagnostic[];
}

/** The tunnels that there are to be, of those named (none named: all), with an end on a host of --limit, in the shard. */
export function chooseTunnels(
  { tunnels, inventory, shard }: Pick<Project, 'tunnels' | 'inventory' | 'shard'>,
  names: readonly string[],
  limit: string | undefined,
): ChosenTunnels {
  const { selected, unmatched } = selectTunnels(tunnels, names.length === 0 ? ['all'] : names);
  const all = tunnels.map(({ name }) => name);
  const unknown = unmatched.map((pattern) =>
    error('tunnel-matches-nothing', `"${pattern}" matches no tunnel`, {
      fix: all.length === 0 ? 'there are no tunnels in this inventory' : knownWords(pattern, all),
    }),
  );
  const limited = limit === undefined ? null : selectHosts(inventory, limit);
  const isNear = ({ ends }: Tunnel) => limited === null || ends.some(({ host }) => limited.hosts.includes(host));
  return {
    tunnels: tunnels.filter(
      (tunnel) => selected.has(tunnel) && tunnel.state === 'present' && isNear(tunnel) && isInShard(tunnel, shard),
    ),
    diagnostics: [...unknown, ...(limited?.diagnostics ?? [])],
  };
}

/** Both ends of a tunnel are in one shard, but for an end that somebody else manages: that is in none. */
export function isInShard({ ends }: Tunnel, shard: Project['shard']): boolean {
  return shard === null || ends.some(({ host, managed }) => managed && shard.has(host));
}

/** The hosts of their ends, but for those that somebody else manages. */
export function hostsOfTunnels(tunnels: readonly Tunnel[]): readonly CompiledHost[] {
  const managed = tunnels.flatMap(({ ends }) => ends.filter((end) => end.managed));
  return [...new Set(managed.map(({ host }) => host))].map((host) => ({ host, tasks: [], become: null }));
}

/** What is named, and is to be gone: that is for apply. */
export function leaving({ tunnels }: Pick<Project, 'tunnels'>, names: readonly string[], what: string) {
  return tunnels
    .filter(({ name, state }) => state === 'absent' && names.includes(name))
    .map((tunnel) =>
      error('tunnel-absent', `${tunnel.name} has \`state: absent\`: there is nothing to ${what}`, {
        span: tunnel.at('state'),
        fix: 'apply the playbook, which removes it; or state: present',
      }),
    );
}
