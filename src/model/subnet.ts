import { Address4 } from 'ip-address';

/** An IPv4 network in CIDR notation, its host bits clear. */
export interface Subnet {
  /** `192.168.1.0/24` */
  readonly cidr: string;
  readonly address: string;
  readonly prefix: number;
  /** `255.255.255.0` */
  readonly netmask: string;
}

export type SubnetFault =
  | { readonly fault: 'form' | 'prefix' | 'octal' | 'address' }
  | { readonly fault: 'host-bits'; readonly suggestion: string };

/** Reads `a.b.c.d/n`. Refuses what inet_aton(3) would read otherwise than a person does: leading zeros (octal). */
export function parseSubnet(text: string): Subnet | SubnetFault {
  const match = /^([^/]+)\/(\d+)$/.exec(text);
  if (!match?.[1] || !match[2]) return { fault: 'form' };
  const address = parseAddress(match[1]);
  if (typeof address !== 'string') return { fault: address.fault === 'octal' ? 'octal' : 'address' };
  const prefix = Number(match[2]);
  if (prefix > 32 || (match[2].length > 1 && match[2].startsWith('0'))) return { fault: 'prefix' };
  const network = new Address4(`${address}/${prefix}`);
  const first = network.startAddress().correctForm();
  if (first !== address) return { fault: 'host-bits', suggestion: `${first}/${prefix}` };
  return { cidr: `${address}/${prefix}`, address, prefix, netmask: netmask(prefix) };
}

export type AddressFault = { readonly fault: 'octal' | 'ipv6' | 'zone' | 'form' };

/** Reads a dotted IPv4 address and gives it back, or says why it is none. */
export function parseAddress(text: string): string | AddressFault {
  if (/^\d+(\.\d+){3}$/.test(text)) {
    const octets = text.split('.');
    if (octets.some((octet) => octet.length > 1 && octet.startsWith('0'))) return { fault: 'octal' };
    return octets.every((octet) => octet.length <= 3 && Number(octet) <= 255) ? text : { fault: 'form' };
  }
  if (text.includes(':')) return { fault: text.includes('%') ? 'zone' : 'ipv6' };
  return { fault: 'form' };
}

export function contains(subnet: Subnet, address: string): boolean {
  return new Address4(address).isInSubnet(new Address4(subnet.cidr));
}

export function overlap(a: Subnet, b: Subnet): boolean {
  return contains(a, b.address) || contains(b, a.address);
}

/** RFC 1918, and link-local of RFC 3927: not routable on the Internet. */
export function isPrivate(address: string): boolean {
  return PRIVATE.some((network) => new Address4(address).isInSubnet(network));
}

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16'].map((cidr) => new Address4(cidr));

function netmask(prefix: number): string {
  return [0, 8, 16, 24].map((shift) => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - shift)))).join('.');
}
