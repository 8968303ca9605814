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
  const size = 2 ** (32 - prefix);
  const first = toText(Math.floor(toNumber(address) / size) * size);
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
  const size = 2 ** (32 - subnet.prefix);
  return Math.floor(toNumber(address) / size) === Math.floor(toNumber(subnet.address) / size);
}

export function overlap(a: Subnet, b: Subnet): boolean {
  return contains(a, b.address) || contains(b, a.address);
}

/** RFC 1918, and link-local of RFC 3927: not routable on the Internet. */
export function isPrivate(address: string): boolean {
  return PRIVATE.some((network) => contains(network, address));
}

/** No address of one host: this network, loopback, multicast and reserved (RFC 6890). */
export function isUnusable(address: string): boolean {
  return UNUSABLE.some((network) => contains(network, address));
}

const DOT = 46;
const ZERO = 48;

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16'].map(constant);

const UNUSABLE = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3'].map(constant);

function constant(cidr: string): Subnet {
  const subnet = parseSubnet(cidr);
  if ('fault' in subnet) throw new Error(`${cidr} is no network`);
  return subnet;
}

function toNumber(address: string): number {
  let number = 0;
  let octet = 0;
  // Asked some ten times for each end of each tunnel.
  for (let at = 0; at < address.length; at += 1) {
    const code = address.charCodeAt(at);
    if (code !== DOT) octet = octet * 10 + code - ZERO;
    else {
      number = number * 256 + octet;
      octet = 0;
    }
  }
  return number * 256 + octet;
}

function toText(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}

function netmask(prefix: number): string {
  return [0, 8, 16, 24].map((shift) => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - shift)))).join('.');
}
