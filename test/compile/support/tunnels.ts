import { Secret } from '../../../src/model/secret.ts';
import { parseSubnet, type Subnet } from '../../../src/model/subnet.ts';
import type { End, Keying, ManualSas, Tunnel } from '../../../src/model/tunnel.ts';

/** A tunnel as the inventory hands it over; every part can be replaced. */
export function tunnel(name: string, ends: readonly [End, End], keying: Keying, rest: Partial<Tunnel> = {}): Tunnel {
  const type = ends[0].network === undefined ? 'host-to-host' : 'network-to-network';
  const at = (...path: readonly (string | number)[]) => {
    const column = path.length + 1;
    return { file: `tunnels.yml#${[name, ...path].join('.')}`, line: 1, column, endLine: 1, endColumn: column };
  };
  return { name, type, ends, keying, ike: {}, esp: {}, ah: {}, onboot: true, state: 'present', at, ...rest };
}

export function host(name: string, nickname: string, address: string): End {
  return { host: name, managed: true, nickname, address };
}

export function router(name: string, nickname: string, address: string, network: string, gateway: string): End {
  return { ...host(name, nickname, address), network: subnet(network), gateway };
}

export function psk(key: string): Keying {
  return { method: 'psk', psk: new Secret(key) };
}

export function manual(first: ManualSas, second: ManualSas): Keying {
  return { method: 'manual', sent: [first, second] };
}

export function x509(first: string, second: string, peer: 'file' | 'dns' | 'exchange'): Keying {
  return { method: 'x509', certificates: [first, second], peer };
}

function subnet(cidr: string): Subnet {
  const parsed = parseSubnet(cidr);
  if ('fault' in parsed) throw new Error(`${cidr} is no network`);
  return parsed;
}
