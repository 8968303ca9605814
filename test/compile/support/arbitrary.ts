import fc from 'fast-check';
import { Secret } from '../../../src/model/secret.ts';
import type { End, Keying, ManualSas, Tunnel } from '../../../src/model/tunnel.ts';
import { host, manual, psk, router, tunnel, x509 } from './tunnels.ts';

const hex = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((key) => new Secret(`0x${Buffer.from(key).toString('hex')}`));
const spi = fc.integer({ min: 0x100, max: 0xffffffff });
const ah = fc.record({ spi, key: hex(20) });
const esp = fc
  .record({ spi, key: hex(24) })
  .chain((sa) => fc.option(hex(20), { nil: undefined }).map((key) => (key ? { ...sa, authenticationKey: key } : sa)));

const sas: fc.Arbitrary<[ManualSas, ManualSas]> = fc.oneof(
  fc.tuple(fc.record({ ah }), fc.record({ ah })),
  fc.tuple(fc.record({ esp }), fc.record({ esp })),
  fc.tuple(fc.record({ ah, esp }), fc.record({ ah, esp })),
);

const keying: fc.Arbitrary<Keying> = fc.oneof(
  fc
    .string({ unit: 'grapheme-ascii', minLength: 1 })
    .filter((key) => !/^ | $|\\|^0x/.test(key))
    .map(psk),
  sas.map(([first, second]) => manual(first, second)),
  fc.constantFrom('file' as const, 'dns' as const, 'exchange' as const).map((peer) => x509('left', 'right', peer)),
);

/** Tunnels between hosts of their own, numbered, so that nothing clashes; each over its own pair of addresses. */
export const tunnels: fc.Arbitrary<readonly Tunnel[]> = fc
  .array(fc.record({ keying, routed: fc.boolean(), onboot: fc.boolean(), gone: fc.boolean(), hub: fc.boolean() }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((specs) =>
    specs.map((spec, index) => {
      const left = end(spec.hub ? 'hub' : `left${index}`, `ipsec${index}`, `192.0.${index}.1`, index, spec.routed);
      const right = end(`right${index}`, 'ipsec0', `198.51.${index}.1`, 100 + index, spec.routed);
      const rest = { onboot: spec.onboot, state: spec.gone ? ('absent' as const) : ('present' as const) };
      return tunnel(`t${index}`, [left, right], spec.keying, rest);
    }),
  );

function end(name: string, nickname: string, address: string, net: number, routed: boolean): End {
  return routed ? router(name, nickname, address, `10.${net}.0.0/16`, `10.${net}.0.1`) : host(name, nickname, address);
}
