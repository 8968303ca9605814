import { naturalOrder, sortNaturally } from '../model/natural-order.ts';
import type { Task } from '../model/task.ts';
import type { Tunnel } from '../model/tunnel.ts';
import type { OwnPath, Topology } from './own-path.ts';
import type { Decision } from './plan.ts';

/** What the plan of one host stops for a while. */
export interface HostImpact {
  readonly host: string;
  readonly drops: readonly string[];
  /** Those of them that nothing here brings up again. */
  readonly stops: readonly string[];
  readonly starts: readonly string[];
  readonly services: readonly string[];
  /** All its connections drop. */
  readonly network: boolean;
  readonly path: OwnPath;
}

/** What a run stops for a while: its blast radius, before anything is changed. */
export interface Impact {
  readonly tunnels: readonly TunnelImpact[];
  readonly services: readonly { readonly host: string; readonly service: string }[];
  /** Hosts that the operator's own connections depend on, and that this run disturbs. */
  readonly ownPath: readonly { readonly host: string; readonly why: string }[];
}

export interface TunnelImpact {
  readonly name: string;
  /** The hosts of its ends. */
  readonly ends: readonly string[];
  /**
   * `drops`: for a while; `stopped`: until somebody brings it up; `removed`: for good; `starts`: it was not up, and what it
   * protects waits for both ends.
   */
  readonly effect: 'drops' | 'stopped' | 'removed' | 'starts';
  /** The hosts whose network restart is the reason, where nothing else is. */
  readonly networkOf: readonly string[];
  /** About how many seconds, at the least and at the most; null: nobody can tell, or for good. */
  readonly seconds: readonly [number, number] | null;
}

/** Where the seconds come from; nothing of it is measured on the hosts. */
export const ESTIMATE =
  'estimated, not measured: from the first ifdown to the last ifup, then IKE with the first packets, which are lost';

export function hostImpact(
  host: string,
  tasks: readonly Task[],
  decisions: ReadonlyMap<string, Decision>,
  path: OwnPath,
): HostImpact {
  const drops = new Set<string>();
  const stops = new Set<string>();
  const starts = new Set<string>();
  const services = new Set<string>();
  let network = false;
  for (const { id, tunnel } of tasks) {
    const decision = decisions.get(id);
    const effect = decision?.kind === 'change' ? decision.plan.effect : undefined;
    if (effect === undefined) continue;
    if (tunnel !== null && effect.tunnel !== undefined) (effect.tunnel === 'starts' ? starts : drops).add(tunnel);
    if (tunnel !== null && effect.tunnel === 'stops') stops.add(tunnel);
    if (effect.service !== undefined) services.add(effect.service);
    network ||= effect.network === true;
  }
  return {
    host,
    drops: [...drops],
    stops: [...stops].filter((tunnel) => !starts.has(tunnel)),
    starts: [...starts].filter((tunnel) => !drops.has(tunnel)),
    services: [...services],
    network,
    path,
  };
}

/** The tunnels that a host's plan takes down, those among them that it never says a word of. */
export function tunnelsDown(
  { host, drops, starts, network }: HostImpact,
  tunnels: readonly Tunnel[],
): readonly string[] {
  if (!network) return drops;
  const present = tunnels.filter(
    ({ ends, state }) => state === 'present' && ends.some((end) => end.managed && end.host === host),
  );
  return [...new Set([...drops, ...present.map(({ name }) => name).filter((name) => !starts.includes(name))])];
}

/** All hosts' plans together. `hosts` has one entry for each play that a host is in. */
export function impactOf(assessed: readonly HostImpact[], topology: Topology): Impact {
  // They come in as they are read; what is said of them must not depend on that.
  const hosts = sortNaturally(assessed, ({ host }) => host);
  const named = new Map(topology.tunnels.map((tunnel) => [tunnel.name, tunnel]));
  const drops = new Set(hosts.flatMap((host) => host.drops));
  const starts = new Set(hosts.flatMap((host) => host.starts).filter((name) => !drops.has(name)));
  const shaken = new Map<string, string[]>();
  for (const host of hosts.filter(({ network }) => network)) {
    for (const name of tunnelsDown(host, topology.tunnels)) {
      if (!starts.has(name)) shaken.set(name, [...(shaken.get(name) ?? []), host.host]);
    }
  }
  const names = naturalOrder(new Set([...drops, ...starts, ...shaken.keys()]));
  const tunnels = names.map((name): TunnelImpact => {
    const tunnel = named.get(name);
    const networkOf = naturalOrder(new Set(shaken.get(name)));
    const effect = starts.has(name)
      ? 'starts'
      : lasting(
          tunnel,
          hosts.filter(({ drops: own }) => own.includes(name)),
          name,
        );
    return {
      name,
      ends: tunnel?.ends.map(({ host }) => host) ?? [],
      effect,
      networkOf,
      seconds:
        effect === 'removed' || effect === 'stopped'
          ? null
          : networkOf.length > 0
            ? NETWORK
            : usesIke(tunnel)
              ? WITH_IKE
              : WITHOUT_IKE,
    };
  });
  const services = hosts.flatMap(({ host, services: of }) => of.map((service) => ({ host, service })));
  return { tunnels, services: unique(services), ownPath: ownPathOf(hosts, new Set(names)) };
}

/** `dropping`: the hosts that take it down. */
function lasting(tunnel: Tunnel | undefined, dropping: readonly HostImpact[], name: string) {
  if (tunnel?.state === 'absent') return 'removed';
  if (dropping.length === 0 || !dropping.every(({ stops }) => stops.includes(name))) return 'drops';
  // What the inventory does not name any more goes with its files.
  return tunnel === undefined ? 'removed' : 'stopped';
}

/** Seconds: ifdown and ifup take one to three on each end, one end after the other; IKE one to a few. */
const WITH_IKE: readonly [number, number] = [5, 15];
const WITHOUT_IKE: readonly [number, number] = [2, 10];
/** A restart of the network service takes ten or more by itself. */
const NETWORK: readonly [number, number] = [10, 40];

function usesIke(tunnel: Tunnel | undefined): boolean {
  return tunnel?.keying.method !== 'manual';
}

function ownPathOf(hosts: readonly HostImpact[], down: ReadonlySet<string>): Impact['ownPath'] {
  const whys = new Map<string, Set<string>>();
  const say = (host: string, why: string) => whys.set(host, (whys.get(host) ?? new Set()).add(why));
  const disturbed = new Set(
    hosts
      .filter(({ drops, starts, network }) => network || drops.length > 0 || starts.length > 0)
      .map(({ host }) => host),
  );
  for (const { host, path } of hosts) {
    const through = path.tunnels.filter((tunnel) => down.has(tunnel));
    if (through.length > 0)
      say(host, `you come from ${path.from ?? 'an address'}, which reaches it through ${through.join(' and ')}`);
    for (const near of path.over) if (disturbed.has(near)) say(near, `your connection to ${host} goes over it`);
  }
  return sortNaturally([...whys], ([host]) => host).map(([host, why]) => ({ host, why: some([...why]) }));
}

function some(reasons: readonly string[]): string {
  return reasons.length <= 3
    ? reasons.join('; ')
    : `${reasons.slice(0, 2).join('; ')}; and so for ${reasons.length - 2} more`;
}

function unique<T extends { readonly host: string; readonly service: string }>(services: readonly T[]): readonly T[] {
  const seen = new Map(services.map((each) => [`${each.host}\0${each.service}`, each]));
  return [...seen.values()];
}
