import { contains } from '../model/subnet.ts';
import { type Perspective, perspectives, type Tunnel } from '../model/tunnel.ts';
import type { Leg } from '../transport/transport.ts';

/** The tunnels and addresses of the whole inventory. */
export interface Topology {
  readonly tunnels: readonly Tunnel[];
  /** Those that are known of a host: its ends' and the one it is reached by. */
  addressesOf(host: string): readonly string[];
  hostsAt(address: string): readonly string[];
}

/** What the operator's own connection to a host depends on. */
export interface OwnPath {
  readonly host: string;
  /** Tunnels that it goes through, by their selectors and routes. */
  readonly tunnels: readonly string[];
  /** Hosts that it goes over: jump hosts, and the near ends of those tunnels. */
  readonly over: readonly string[];
  /** The address that it comes from, as far as that is why. */
  readonly from: string | null;
}

/**
 * Finds the tunnels that carry the operator's own connection, by its addresses: it comes from a tunnel's other network,
 * or from the other end of a tunnel between hosts; on the last leg or on one before a jump host. Addresses can deceive
 * where there is NAT, and a way that nobody told (a ProxyCommand) is not known.
 */
export function ownPaths(topology: Topology): (host: string, path: readonly Leg[] | null) => OwnPath {
  const known = new Map<string, readonly Perspective[]>();
  /** The ends behind which, or on which, an address is. */
  const endsAt = (address: string) => {
    const ends = known.get(address) ?? topology.tunnels.flatMap((tunnel) => perspectives(tunnel)).filter(isAt(address));
    known.set(address, ends);
    return ends;
  };
  return (host, path) => {
    const tunnels = new Set<string>();
    const over = new Set<string>();
    let from: string | null = null;
    for (const [index, leg] of (path ?? []).entries()) {
      const before = path?.[index - 1];
      const there = index + 1 === path?.length ? [host] : hostsAt(topology, leg.to);
      if (index + 1 < (path?.length ?? 0)) for (const jump of there) over.add(jump);
      for (const source of leg.from === null ? sourcesAt(topology, before?.to ?? null) : [leg.from]) {
        for (const { tunnel, src, dst } of endsAt(source)) {
          if (!there.includes(dst.host) && !isReached(dst, leg.to)) continue;
          tunnels.add(tunnel.name);
          from ??= source;
          if (src.managed && src.host !== host) over.add(src.host);
        }
      }
    }
    return { host, tunnels: [...tunnels], over: [...over], from };
  };
}

function isAt(address: string): (end: Perspective) => boolean {
  return ({ src }) =>
    src.network === undefined ? src.address === address : isIPv4(address) && contains(src.network, address);
}

function isReached({ address, network }: Perspective['dst'], to: string | null): boolean {
  if (to === null) return false;
  return address === to || (network !== undefined && isIPv4(to) && contains(network, to));
}

/** Which address a jump host goes on from nobody tells: all that are known of it may be. */
function sourcesAt(topology: Topology, jumpHost: string | null): readonly string[] {
  if (jumpHost === null) return [];
  return [...new Set([jumpHost, ...topology.hostsAt(jumpHost).flatMap((host) => topology.addressesOf(host))])];
}

function hostsAt(topology: Topology, address: string | null): readonly string[] {
  return address === null ? [] : topology.hostsAt(address);
}

function isIPv4(address: string): boolean {
  return /^\d+(\.\d+){3}$/.test(address);
}
