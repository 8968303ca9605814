import type { Protocol } from './associations.ts';

/** One packet as tcpdump(8) shows it. */
export interface Packet {
  readonly source: string;
  readonly destination: string;
  /** The IPsec headers from the outside inwards. */
  readonly headers: readonly { readonly protocol: Protocol; readonly spi: number }[];
  /** `clear`: what it carries can be read by everybody. `other`: it cannot be told, as of a fragment. */
  readonly kind: 'ipsec' | 'ike' | 'clear' | 'other';
}

/**
 * Reads a line of tcpdump -n: of old ones (`172.16.45.107 > 172.16.44.192: AH(spi=0x0954ccb6,seq=0xbb): ESP(…)`, with
 * `(ipip-proto-4)` in tunnel mode) and of new ones (`IP A > B: AH(spi=0x…,seq=0x1,icv=0x…): IP A > B: ESP(…), length 116`).
 * null: it is no packet.
 */
export function parsePacket(line: string): Packet | null {
  const match = PACKET.exec(line);
  if (!match) return null;
  const rest = match[3] ?? '';
  const headers = [...rest.matchAll(HEADER)].map(([, protocol = '', spi]) => ({
    protocol: protocol.toLowerCase() as Protocol,
    spi: Number(spi),
  }));
  return { source: match[1] ?? '', destination: match[2] ?? '', headers, kind: kindOf(rest, headers.length > 0) };
}

const ADDRESS = String.raw`(\d+(?:\.\d+){3})(?:\.[\w-]+)?`;
const PACKET = new RegExp(String.raw`^\d\d:\d\d:\d\d\.\d+ (?:IP )?(?:\([^)]*\) )?${ADDRESS} > ${ADDRESS}: (.*)$`);
const HEADER = /\b(AH|ESP)\(spi=(0x[0-9a-f]+),/gi;

function kindOf(rest: string, isProtected: boolean): Packet['kind'] {
  if (isProtected) return 'ipsec';
  if (/^(?:NONESP-encap: )?isakmp/i.test(rest)) return 'ike';
  // Pings (an ICMP error may leave for its own reasons), UDP, and TCP by its flags: `Flags [S]`, and before tcpdump 4 `S 1:1(0)` or `. ack 1`.
  const clear = /^(?:ICMP echo |icmp(?: \d+)?: echo |UDP,|udp |Flags \[|[SFPRWE.]+ (?:\d|ack))/i.test(rest);
  return clear && !/\bfrag\b/.test(rest) ? 'clear' : 'other';
}
