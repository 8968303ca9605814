import { parseManualKey } from '../../../src/model/manual-key.ts';
import { reveal } from '../../../src/model/secret.ts';
import { type Perspective, perspectives, type Tunnel } from '../../../src/model/tunnel.ts';

/** What a host's programs print, in the forms of older and of newer releases. */
export interface Manner {
  readonly setkey: 'old' | 'new';
  readonly tcpdump: 'old' | 'new';
}

/** What the evidence script prints on both hosts of a tunnel that is in order. */
export function healthyPair(tunnel: Tunnel, manner: Manner = { setkey: 'old', tcpdump: 'old' }): [string, string] {
  const [a, b] = perspectives(tunnel);
  return [healthy(a, manner), healthy(b, manner)];
}

function healthy(end: Perspective, manner: Manner): string {
  const { tunnel, src, dst } = end;
  const psk = tunnel.keying.method === 'psk' ? said('0/psk', `${dst.address}  ${reveal(tunnel.keying.psk)}`) : '';
  const networks = src.network && dst.network;
  return [
    said('begin', '1790000000'),
    said('racoon', '1234'),
    said('started', '1789990000'),
    said('conf', '1789980000 Nov 22 10:00:00'),
    said(
      'settings',
      'sainfo anonymous\n{\n\tpfs_group 2;\n\tencryption_algorithm 3des, rijndael ;\n\tauthentication_algorithm hmac_sha1 ;\n}',
    ),
    said('forwarding', networks ? '1' : '0'),
    said('policies-code', '0'),
    said('policies', policies(end, manner)),
    said('before', associations(end, manner, 100)),
    said('0/outside', `${dst.address} dev eth0  src ${src.address} \\    cache  mtu 1500`),
    networks ? said('0/route', `${dst.network.cidr} via ${src.gateway} dev eth1  src ${src.gateway} `) : '',
    networks ? said('0/way', `${dst.gateway} via ${src.gateway} dev eth1  src ${src.gateway} \\    cache`) : '',
    said('0/phase1-written', '1789980000 Nov 22 10:00:00'),
    said(
      '0/phase1',
      'exchange_mode aggressive, main;\n\tproposal {\n\t\tencryption_algorithm 3des;\n\t\thash_algorithm sha1;\n\t\tauthentication_method pre_shared_key;\n\t\tdh_group 2;\n\t}\n}',
    ),
    psk,
    said('leaving', 'eth0'),
    said('wire', 'listening'),
    networks ? said('0/peer', 'answers') : '',
    packets(end, manner),
    said('0/answered', '1'),
    said('0/ping', '3 packets transmitted, 3 received, 0% packet loss, time 2001ms'),
    said('after', associations(end, manner, 520)),
    said('log', 'Nov 22 10:00:00 here racoon: INFO: @(#)ipsec-tools 0.6.5 (http://ipsec-tools.sourceforge.net)'),
    said('end', '1790000005'),
  ].join('');
}

/** The text with a tag before each line, as the script's `say` has it. */
export function said(tag: string, text: string): string {
  return text
    .split('\n')
    .map((line) => `${tag}\t${line}\n`)
    .join('');
}

interface Sa {
  readonly protocol: 'ah' | 'esp';
  readonly spi: number;
  readonly keys: string;
}

/** In the order of the packet: AH outermost. */
export function sasOf({ keying, ah, esp }: Tunnel, sender: 0 | 1): readonly Sa[] {
  if (keying.method !== 'manual') {
    return [
      ...(ah === false ? [] : [{ protocol: 'ah' as const, spi: 0x03a25841 + sender, keys: '\tA: hmac-sha1\n' }]),
      ...(esp === false
        ? []
        : [{ protocol: 'esp' as const, spi: 0x044f5de9 + sender, keys: '\tE: 3des-cbc\n\tA: hmac-sha1\n' }]),
    ];
  }
  const sent = keying.sent[sender];
  const key = (secret: Parameters<typeof reveal>[0]) => {
    const parsed = parseManualKey(reveal(secret));
    return 'bytes' in parsed ? parsed.bytes.toString('hex').replace(/(.{8})(?=.)/g, '$1 ') : '';
  };
  return [
    ...(ah === false || !sent.ah
      ? []
      : [{ protocol: 'ah' as const, spi: sent.ah.spi, keys: `\tA: hmac-sha1  ${key(sent.ah.key)}\n` }]),
    ...(esp === false || !sent.esp
      ? []
      : [
          {
            protocol: 'esp' as const,
            spi: sent.esp.spi,
            keys: `\tE: 3des-cbc  ${key(sent.esp.key)}\n${sent.esp.authenticationKey ? `\tA: hmac-sha1  ${key(sent.esp.authenticationKey)}\n` : ''}`,
          },
        ]),
  ];
}

function policies(end: Perspective, { setkey }: Manner): string {
  const { tunnel, src, dst, index } = end;
  const [near, far] = src.network && dst.network ? [src.network.cidr, dst.network.cidr] : [src.address, dst.address];
  const any = setkey === 'old' ? 'any' : '255';
  const prio = setkey === 'old' ? '' : ' prio def';
  const entry = (direction: string, from: string, to: string, outer: string) => {
    const mode = src.network ? 'tunnel' : 'transport';
    const rules = [...sasOf(tunnel, index)]
      .reverse()
      .map(({ protocol }) => `\t${protocol}/${mode}/${src.network ? outer : ''}/require\n`);
    return `${from}[any] ${to}[any] ${any}\n\t${direction}${prio} ipsec\n${rules.join('')}\tcreated: Nov 22 10:00:00 2026  lastused:                     \n\tlifetime: 0(s) validtime: 0(s)\n\tspid=16 seq=2 pid=77\n\trefcnt=1\n`;
  };
  const inwards = `${dst.address}-${src.address}`;
  return (
    entry('fwd', far, near, inwards) +
    entry('in', far, near, inwards) +
    entry('out', near, far, `${src.address}-${dst.address}`)
  ).trimEnd();
}

function associations({ tunnel, src, dst, index }: Perspective, { setkey }: Manner, bytes: number): string {
  const mode = src.network ? 'tunnel' : 'transport';
  const one = (from: string, to: string) => (sa: Sa) =>
    `${from} ${to} \n\t${sa.protocol} mode=${mode} spi=${sa.spi}(0x${sa.spi.toString(16).padStart(8, '0')}) reqid=0(0x00000000)\n${sa.keys}\tseq=0x00000000 replay=${setkey === 'old' ? 0 : 4} flags=0x00000000 state=mature \n\tcreated: Nov 22 10:00:00 2026\tcurrent: Nov 22 10:00:09 2026\n\tdiff: 9(s)\thard: 0(s)\tsoft: 0(s)\n\tlast: Nov 22 10:00:05 2026\thard: 0(s)\tsoft: 0(s)\n\tcurrent: ${bytes}(bytes)\thard: 0(bytes)\tsoft: 0(bytes)\n\tallocated: 3\thard: 0\tsoft: 0\n\tsadb_seq=1 pid=78 refcnt=0`;
  const other = index === 0 ? 1 : 0;
  return [
    ...sasOf(tunnel, index).map(one(src.address, dst.address)),
    ...sasOf(tunnel, other).map(one(dst.address, src.address)),
  ].join('\n');
}

function packets({ tunnel, src, dst, index }: Perspective, { tcpdump }: Manner): string {
  const line = (from: string, to: string, sas: readonly Sa[]) => {
    const hex = (spi: number) => `0x${spi.toString(16).padStart(8, '0')}`;
    const pair = `${tcpdump === 'old' ? '' : 'IP '}${from} > ${to}: `;
    const headers = sas.map(({ protocol, spi }) => {
      const icv = tcpdump === 'new' && protocol === 'ah' ? ',icv=0x9a7c1a2b3c4d5e6f70819203' : '';
      return `${protocol.toUpperCase()}(spi=${hex(spi)},seq=0x1${icv})`;
    });
    const nested = tcpdump === 'new' && src.network ? `: IP ${from} > ${to}: ` : ': ';
    const inside =
      sas.at(-1)?.protocol === 'ah'
        ? `: ${src.network ? `IP ${src.gateway} > ${dst.gateway}: ` : ''}ICMP echo request, id 1, seq 1, length 64`
        : tcpdump === 'new'
          ? ', length 116'
          : src.network
            ? ' (ipip-proto-4)'
            : '';
    return `14:34:39.155529 ${pair}${headers.join(nested)}${inside}\n`;
  };
  const other = index === 0 ? 1 : 0;
  // Linux shows what arrived through a tunnel once more after each header that it took off.
  const [outer, ...inner] = sasOf(tunnel, other);
  const decrypted = src.network
    ? (outer?.protocol === 'ah' && inner.length > 0 ? line(dst.address, src.address, inner) : '') +
      `14:34:39.155601 IP ${dst.gateway} > ${src.gateway}: ICMP echo reply, id 1, seq 1, length 64\n`
    : '';
  return (
    line(src.address, dst.address, sasOf(tunnel, index)) +
    line(dst.address, src.address, sasOf(tunnel, other)) +
    decrypted
  );
}
