import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pageText } from '../../src/hand-off/page.ts';
import type { Agreement } from '../../src/model/agreement.ts';
import { reveal, Secret } from '../../src/model/secret.ts';
import type { Keying, ManualSas, Tunnel } from '../../src/model/tunnel.ts';
import { host, manual, psk, router, tunnel, x509 } from '../compile/support/tunnels.ts';
import { configuration, pageOf } from './page-of.ts';

const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((key) => new Secret(`0x${Buffer.from(key).toString('hex')}`));
const spi = fc.integer({ min: 0x100, max: 0xffffffff });
const ah = fc.record({ spi, key: hex(20) });
const esp = fc.record({ spi, key: hex(24), authenticationKey: hex(20) });
const sas: fc.Arbitrary<[ManualSas, ManualSas]> = fc.oneof(
  fc.tuple(fc.record({ ah }), fc.record({ ah })),
  fc.tuple(fc.record({ esp }), fc.record({ esp })),
  fc.tuple(fc.record({ ah, esp }), fc.record({ ah, esp })),
);

const keying: fc.Arbitrary<Keying> = fc.oneof(
  fc.stringMatching(/^[a-zA-Z0-9!$%'"#;]{16,40}$/).map(psk),
  sas.map(([first, second]) => manual(first, second)),
  fc.constantFrom('file' as const, 'dns' as const, 'exchange' as const).map((peer) => x509('left', 'right', peer)),
);

const octet = fc.integer({ min: 1, max: 254 });
const protocols = fc.constantFrom('esp', 'ah', 'both');
const racoon = fc.record({
  sainfo: fc.record({
    pfs_group: fc.constantFrom(false, 2, 5, 14),
    lifetime: fc.constantFrom('1 hour', '45 minutes', '8000 seconds'),
    encryption_algorithm: fc.constantFrom('3des', 'aes 256', 'aes 128, 3des', 'blowfish 448'),
    authentication_algorithm: fc.constantFrom('hmac_sha1', 'hmac_md5, hmac_sha1', 'hmac_sha256'),
  }),
});
const ike = fc.record({
  encryption: fc.constantFrom('3des', 'aes', 'aes 256'),
  hash: fc.constantFrom('sha1', 'md5', 'sha256'),
  dhGroup: fc.constantFrom(2, 5, 14),
});

const generated = fc
  .record({ keying, ike, racoon, protocols, routed: fc.boolean(), a: octet, b: octet })
  .map(({ keying: way, ike: phase1, racoon: options, protocols: which, routed, a, b }) => {
    const ends = routed
      ? ([
          router('left', 'ipsec0', `192.0.2.${a}`, `10.${a}.0.0/16`, `10.${a}.0.1`),
          router('right', 'ipsec1', `198.51.100.${b}`, `172.16.${b}.0/24`, `172.16.${b}.1`),
        ] as const)
      : ([host('left', 'ipsec0', `192.0.2.${a}`), host('right', 'ipsec1', `198.51.100.${b}`)] as const);
    const isManual = way.method === 'manual';
    const rest = {
      ike: isManual ? {} : phase1,
      ...(which === 'ah' && !isManual ? { esp: false as const } : {}),
      ...(which === 'esp' && !isManual ? { ah: false as const } : {}),
    };
    return { tunnel: tunnel('t.1', ends, way, rest), racoon: isManual ? null : options };
  });

describe('what is handed to one end', () => {
  test('mirrors what is handed to the other, in every parameter', () => {
    fc.assert(
      fc.property(generated, ({ tunnel: one, racoon: options }) => {
        const [left, right] = [pageOf(one, 0, options).agreed, pageOf(one, 1, options).agreed];
        expect(turned(left)).toEqual(right);
        expect([left.you.address, left.us.address]).toEqual(one.ends.map(({ address }) => address));
      }),
    );
  });

  test('has every parameter in its page and in each configuration, on the right side', () => {
    fc.assert(
      fc.property(generated, fc.constantFrom(0 as const, 1 as const), ({ tunnel: one, racoon: options }, index) => {
        const page = pageOf(one, index, options);
        const { agreed } = page;
        for (const format of ['text', 'markdown'] as const) {
          const text = pageText(page, format).replaceAll(/ *\| */g, '  ');
          for (const row of pageRows(agreed)) expect(text).toMatch(row);
        }
        expect(configuration(page, 'red-hat').files[0]?.text).toMatch(new RegExp(`^DST=${agreed.us.address}$`, 'm'));
        for (const each of page.configurations) {
          expect(each.files.length > 0, each.id).toBe(each.cannot.length === 0);
          const text = each.files.map((file) => file.text).join('\n');
          if (text !== '') for (const line of wanted(each.id, agreed)) expect(`${each.id}\n${text}`).toContain(line);
        }
      }),
    );
  });

  test('holds no key, in any form', () => {
    fc.assert(
      fc.property(generated, fc.constantFrom(0 as const, 1 as const), ({ tunnel: one, racoon: options }, index) => {
        const page = pageOf(one, index, options);
        const all = `${pageText(page, 'text')}${pageText(page, 'markdown')}${JSON.stringify(page)}`;
        for (const key of keysOf(one)) {
          const text = reveal(key);
          for (const form of [text, text.replace(/^0x/, ''), Buffer.from(text).toString('hex'), JSON.stringify(text)]) {
            expect(all.includes(form)).toBe(false);
          }
        }
      }),
    );
  });
});

/** The same agreement, read from the other end. */
function turned(agreed: Agreement): Agreement {
  const { keying: way } = agreed;
  const keyed =
    way.method === 'manual'
      ? { ...way, sent: { you: way.sent.us, us: way.sent.you } }
      : {
          ...way,
          certificates: way.certificates && { ...way.certificates, you: way.certificates.us, us: way.certificates.you },
        };
  return { ...agreed, you: agreed.us, us: agreed.you, keying: keyed };
}

/** What the tables say, one expression a row: your side first. */
function pageRows({ you, us, keying: way }: Agreement): readonly RegExp[] {
  const pair = (what: string, yours: string, ours: string) => new RegExp(`${what} +${yours} +${ours}`);
  return [
    pair('address', you.address, us.address),
    ...(you.network && us.network ? [pair('network', you.network.cidr, us.network.cidr)] : []),
    ...(you.gateway && us.gateway ? [pair('gateway, inside', you.gateway, us.gateway)] : []),
    ...(way.method === 'manual'
      ? [
          ...(way.sent.you.ah && way.sent.us.ah
            ? [pair('AH SPI', `0x${way.sent.you.ah.spi.toString(16)} .*`, `0x${way.sent.us.ah.spi.toString(16)} `)]
            : []),
          ...(way.sent.you.esp && way.sent.us.esp
            ? [pair('ESP SPI', `0x${way.sent.you.esp.spi.toString(16)} .*`, `0x${way.sent.us.esp.spi.toString(16)} `)]
            : []),
        ]
      : [
          new RegExp(`Diffie-Hellman group +group ${way.phase1.dhGroup} `),
          new RegExp(`hash +${way.phase1.hash}\\b`),
          new RegExp(`lifetime +${way.phase1.lifetime} seconds`),
          new RegExp(`lifetime +${way.phase2.lifetime} seconds`),
        ]),
  ];
}

/** The lines of a configuration in which each side must stand, as the product spells them. */
function wanted(id: string, { you, us, keying: way, esp: cipher }: Agreement): readonly string[] {
  const [here, there] = [you.network?.cidr ?? you.address, us.network?.cidr ?? us.address];
  const [pfs, life, phase1] =
    way.method === 'manual' ? [null, 0, null] : [way.phase2.pfsGroup, way.phase2.lifetime, way.phase1];
  const groups: Readonly<Record<number, string>> = { 2: 'modp1024', 5: 'modp1536', 14: 'modp2048' };
  switch (id) {
    case 'red-hat':
      return you.network && us.network
        ? [`SRCNET=${here}\n`, `DSTNET=${there}\n`, `SRCGW=${you.gateway}\n`, `DSTGW=${us.gateway}\n`]
        : [];
    case 'racoon':
      return [
        `spdadd ${here} ${there} any -P out`,
        `spdadd ${there} ${here} any -P in`,
        ...(phase1 === null
          ? []
          : [
              `remote ${us.address}\n`,
              `sainfo address ${here} any address ${there} any`,
              `lifetime time ${phase1.lifetime} seconds;`,
              `lifetime time ${life} seconds;`,
              `dh_group ${phase1.dhGroup};`,
              ...(pfs === null ? [] : [`pfs_group ${pfs};`]),
            ]),
        ...(way.method === 'manual' && way.sent.you.esp
          ? [`add ${you.address} ${us.address} esp 0x${way.sent.you.esp.spi.toString(16)} `]
          : []),
        ...(way.method === 'manual' && way.sent.us.ah
          ? [`add ${us.address} ${you.address} ah 0x${way.sent.us.ah.spi.toString(16)} `]
          : []),
      ];
    case 'swanctl':
      return [
        `local_addrs = ${you.address}\n`,
        `remote_addrs = ${us.address}\n`,
        `local_ts = ${you.network ? here : `${here}/32`}\n`,
        `remote_ts = ${us.network ? there : `${there}/32`}\n`,
        `life_time = ${life}s\n`,
        `-${groups[phase1?.dhGroup ?? 0]}\n`,
        `${cipher === null ? 'ah' : 'esp'}_proposals = `,
        ...(pfs === null ? [] : [`-${groups[pfs]}`]),
      ];
    case 'libreswan':
      return [
        `left=${you.address}\n`,
        `right=${us.address}\n`,
        ...(you.network ? [`leftsubnet=${here}\n`, `rightsubnet=${there}\n`] : []),
        `ikelifetime=${phase1?.lifetime}s\n`,
        `salifetime=${life}s\n`,
        `;${groups[phase1?.dhGroup ?? 0]}\n`,
        `pfs=${pfs === null ? 'no' : 'yes'}\n`,
      ];
    case 'cisco-ios':
      return [
        `set peer ${us.address}\n`,
        ...(you.network && us.network
          ? [`permit ip ${you.network.address} `, ` ${us.network.address} `]
          : [`permit ip host ${you.address} host ${us.address}`]),
        ...(phase1 === null
          ? []
          : [
              ` group ${phase1.dhGroup}\n`,
              ` lifetime ${phase1.lifetime}\n`,
              `lifetime seconds ${life}\n`,
              ...(pfs === null ? [] : [`set pfs group${pfs}\n`]),
            ]),
        ...(way.method === 'manual' && way.sent.you.esp ? [`outbound esp ${way.sent.you.esp.spi} cipher`] : []),
        ...(way.method === 'manual' && way.sent.us.ah ? [`inbound ah ${way.sent.us.ah.spi} `] : []),
      ];
    default:
      throw new Error(`what must be in a configuration ${id}?`);
  }
}

function keysOf({ keying: way }: Tunnel): readonly Secret[] {
  if (way.method === 'x509') return [];
  if (way.method === 'psk') return [way.psk];
  return way.sent
    .flatMap(({ ah: a, esp: e }) => [a?.key, e?.key, e?.authenticationKey])
    .filter((key) => key !== undefined);
}
