import { type Diagnostic, warning } from '../../../../lang/diagnostic.ts';
import { isSafeName, LONGEST_NAME } from '../../../../model/safe-name.ts';
import { contains, type Subnet } from '../../../../model/subnet.ts';
import type { End, Keying, Tunnel } from '../../../../model/tunnel.ts';
import type { ImportedHost } from '../../backend.ts';
import type { EndSeen } from './end.ts';
import type { HostSeen } from './host-seen.ts';
import { kernelSource } from './kernel-source.ts';
import { placeOn } from './place.ts';

interface Made {
  readonly tunnel: Tunnel;
  readonly findings: readonly Diagnostic[];
}

/** The tunnel of two ends that agree, or of one and an external peer. */
export function tunnelOf(
  a: EndSeen,
  b: EndSeen | null,
  hosts: readonly ImportedHost<HostSeen>[],
  taken: ReadonlySet<string>,
): Made {
  const findings: Diagnostic[] = [];
  const place = placeOn(a.host, a.connection.ifcfg.path);
  const own: End = {
    host: a.host,
    managed: true,
    nickname: a.connection.nickname,
    address: b?.dst ?? a.src ?? outsideOf(a, hosts),
    ...networked(a.networks?.src, a.srcgw ?? inside(a) ?? b?.dstgw ?? null),
  };
  const other: End =
    b === null
      ? externalEnd()
      : {
          host: b.host,
          managed: true,
          nickname: b.connection.nickname,
          address: a.dst,
          ...networked(b.networks?.src, b.srcgw ?? inside(b) ?? a.dstgw),
        };
  const at = () => place;
  const either = <T extends object>(one: T | false, two: T | false | undefined): T | false =>
    one === false ? false : { ...two, ...one };
  const tunnel: Tunnel = {
    name: nameOf(a, other, taken),
    type: a.networks === null ? 'host-to-host' : 'network-to-network',
    ends: [own, other],
    keying: keyingOf(a, b),
    ike: { ...b?.ike, ...a.ike },
    esp: either(a.esp, b?.esp),
    ah: either(a.ah, b?.ah),
    onboot: a.onboot || (b?.onboot ?? false),
    state: 'present',
    at,
  };
  return { tunnel, findings };

  function externalEnd(): End {
    if (a.networks !== null && a.dstgw === null) {
      const message = `the gateway of ${a.dst} in ${a.networks.dst.cidr} is not known: ${firstOf(a.networks.dst)} is written`;
      findings.push(
        warning('import-gateway-guessed', message, { span: place, fix: `correct it in tunnels.yml: verify pings it` }),
      );
    }
    return {
      host: `peer-${a.dst}`,
      managed: false,
      nickname: a.connection.nickname,
      address: a.dst,
      ...networked(a.networks?.dst, a.dstgw),
    };
  }
}

function networked(network: Subnet | undefined, gateway: string | null): Pick<End, 'network' | 'gateway'> {
  return network === undefined ? {} : { network, gateway: gateway ?? firstOf(network) };
}

/** This host's own address in its network. */
function inside({ networks, seen }: EndSeen): string | null {
  if (networks === null) return null;
  return seen.addresses.find(({ address }) => contains(networks.src, address))?.address ?? null;
}

function firstOf({ address, prefix }: Subnet): string {
  return prefix === 32 ? address : address.replace(/\d+$/, (last) => String(Number(last) + 1));
}

/** As the peer sees it: what the kernel's policies say, else the address it was reached by, else its first one. */
function outsideOf(end: EndSeen, hosts: readonly ImportedHost<HostSeen>[]): string {
  const { host, seen } = end;
  const reached = hosts.find(({ name }) => name === host)?.address;
  return kernelSource(end) ?? reached ?? seen.addresses[0]?.address ?? '192.0.2.1';
}

function nameOf({ host, connection }: EndSeen, other: End, taken: ReadonlySet<string>): string {
  const free = (name: string) => isSafeName(name) && !taken.has(name);
  const plain = `${host}-${other.host}`.slice(0, LONGEST_NAME);
  if (free(plain)) return plain;
  const own = `${host}-${connection.nickname}`.slice(0, LONGEST_NAME - 4);
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? own : `${own}-${count}`;
    if (free(name)) return name;
  }
}

function keyingOf({ keying }: EndSeen, b: EndSeen | null): Keying {
  if (keying.method === 'psk') return keying;
  if (keying.method === 'manual') return { method: 'manual', sent: [keying.sent, keying.received] };
  const other = keying.other ?? (b?.keying.method === 'x509' ? b.keying.own : 'peer');
  return {
    method: 'x509',
    certificates: [keying.own, other],
    peer: keying.other !== null ? 'file' : keying.dnssec ? 'dns' : 'exchange',
  };
}
