import { randomBytes } from 'node:crypto';
import type { Backend, ProofOptions } from '../../compile/backends/backend.ts';
import { look } from '../../engine/look.ts';
import type { EndStanding } from '../../model/standing.ts';
import type { CompiledHost } from '../../model/task.ts';
import { type Perspective, perspectives, type Tunnel } from '../../model/tunnel.ts';
import type { TunnelVerdict } from '../../model/verdict.ts';
import { hostOptionsOf } from '../project/host-options.ts';
import { askHosts, type HostFaults } from '../run/ask-hosts.ts';
import type { OpenRun } from '../run/open.ts';

type Ways = Pick<OpenRun, 'link' | 'rendering' | 'stop'>;
type Opened = Ways & Pick<OpenRun, 'project'>;

export interface ProofOutcome {
  /** In the order of the tunnels. */
  readonly verdicts: readonly TunnelVerdict[];
  readonly faults: HostFaults;
  /** The tunnels with an end on a host that is out of reach. */
  readonly unreached: ReadonlySet<string>;
}

/**
 * Looks at both ends of each tunnel, all hosts at the same time, and judges what was seen. Nothing is changed anywhere. A
 * stop closes all connections.
 */
export async function proveTunnels(
  ways: Opened,
  backend: Backend,
  tunnels: readonly Tunnel[],
  hosts: readonly CompiledHost[],
  options: Omit<ProofOptions, 'keyed' | 'hostOptions'> & { readonly forks: number },
): Promise<ProofOutcome> {
  const { proof } = backend;
  const hostOptions = hostOptionsOf(ways.project, backend);
  const settings: ProofOptions = { ...options, hostOptions, keyed: randomBytes(16).toString('hex') };
  const seen = new Map<string, ReadonlyMap<string, unknown>>();
  const faults = await askHosts(ways, hosts, options.forks, async (host, link, nonce) => {
    const ends = endsOn(host, tunnels);
    const printed = await look(link, nonce, proof.evidence(ends, settings), ways.rendering(host));
    seen.set(host, proof.read(printed, ends));
  });
  const verdicts = tunnels.map((tunnel) => {
    const [a, b] = tunnel.ends.map(({ host }) => seen.get(host)?.get(tunnel.name) ?? null);
    return proof.judge(tunnel, [a ?? null, b ?? null], settings);
  });
  const unreached = tunnels.filter(({ ends }) => ends.some(({ host }) => faults.has(host)));
  return { verdicts, faults, unreached: new Set(unreached.map(({ name }) => name)) };
}

/** How a tunnel stands, in the order of its ends; null: the end is external, or its host could not be looked at. */
export interface TunnelStanding {
  readonly tunnel: Tunnel;
  readonly ends: readonly [EndStanding | null, EndStanding | null];
}

/** Looks at both ends of each tunnel, and tries nothing out. */
export async function standingOfTunnels(
  ways: Ways,
  { standing }: Backend,
  tunnels: readonly Tunnel[],
  hosts: readonly CompiledHost[],
  forks: number,
): Promise<{ readonly standings: readonly TunnelStanding[]; readonly faults: HostFaults }> {
  const seen = new Map<string, ReadonlyMap<string, EndStanding>>();
  const faults = await askHosts(ways, hosts, forks, async (host, link, nonce) => {
    const ends = endsOn(host, tunnels);
    seen.set(host, standing.read(await look(link, nonce, standing.look(ends), ways.rendering(host)), ends));
  });
  return { standings: standingsOf(tunnels, seen), faults };
}

export function standingsOf(
  tunnels: readonly Tunnel[],
  seen: ReadonlyMap<string, ReadonlyMap<string, EndStanding>>,
): readonly TunnelStanding[] {
  return tunnels.map((tunnel) => {
    const [a, b] = tunnel.ends.map(({ host }) => seen.get(host)?.get(tunnel.name) ?? null);
    return { tunnel, ends: [a ?? null, b ?? null] };
  });
}

export function endsOn(host: string, tunnels: readonly Tunnel[]): readonly Perspective[] {
  return tunnels.flatMap((tunnel) => perspectives(tunnel).filter(({ src }) => src.managed && src.host === host));
}
