import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/model/secret.ts';
import { perspectives, type Tunnel } from '../../../src/model/tunnel.ts';
import { host, manual, psk, router, tunnel, x509 } from '../support/tunnels.ts';
import { healthyPair, type Manner } from './healthy.ts';
import { judged, OPTIONS, proof, routed } from './judged.ts';
import { swapped, tellsNoSecret } from './mirrored.ts';

const key = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((value) => new Secret(`0x${Buffer.from(value).toString('hex')}`));
const spi = fc.integer({ min: 0x100, max: 0xffffffff });
const ah = fc.record({ spi, key: key(20) });
const esp = fc.record({ spi, key: key(24), authenticationKey: key(20) });
const keying = fc.oneof(
  fc.stringMatching(/^[a-zA-Z#$"'][ -~]{6,20}[a-z]$/).map(psk),
  fc.record({ ah, esp }).chain((first) => fc.record({ ah, esp }).map((second) => manual(first, second))),
  fc.constant(x509('a', 'b', 'file')),
);
const generated: fc.Arbitrary<Tunnel> = fc
  .record({
    keying,
    routed: fc.boolean(),
    off: fc.constantFrom('ah', 'esp', null),
    turned: fc.boolean(),
  })
  .map(({ keying, routed, off, turned }) => {
    const [one, other] = turned ? (['b', 'a'] as const) : (['a', 'b'] as const);
    const ends = routed
      ? ([
          router(one, 'ipsec0', '192.0.2.1', '10.1.0.0/16', '10.1.0.1'),
          router(other, 'ipsec1', '198.51.100.1', '10.2.0.0/16', '10.2.0.1'),
        ] as const)
      : ([host(one, 'ipsec0', '192.0.2.1'), host(other, 'ipsec1', '198.51.100.1')] as const);
    return tunnel('t', ends, keying, off === null ? {} : { [off]: false });
  });
const manner: fc.Arbitrary<Manner> = fc.record({
  setkey: fc.constantFrom('old' as const, 'new' as const),
  tcpdump: fc.constantFrom('old' as const, 'new' as const),
});

describe('every tunnel', () => {
  test('is proven where both ends are in order, whichever is named first', () => {
    fc.assert(
      fc.property(generated, manner, (one, how) => {
        const [left, right] = healthyPair(one, how);
        const verdict = judged(one, [left, right]);
        expect(verdict.status, JSON.stringify(verdict, null, 1)).toBe('proven');
        expect(judged(swapped(one), [right, left])).toEqual({ ...verdict, ends: [...verdict.ends].reverse() });
        tellsNoSecret(one, verdict);
      }),
    );
  });

  test('counts each packet once, though Linux shows one that arrives again after each header', () => {
    const verdict = judged(routed, healthyPair(routed, { setkey: 'new', tcpdump: 'new' }));
    for (const { layers } of verdict.ends) {
      const what = 'ESP inside AH with the SPIs of the SAs, 1 out and 1 in, nothing in clear';
      expect(layers.find(({ layer }) => layer === 'wire')).toMatchObject({ status: 'ok', what });
    }
  });

  test('with a line missing or another one in its place, the verdict is mirrored and tells no secret', () => {
    fc.assert(
      fc.property(generated, manner, fc.nat(), fc.nat(), (one, how, first, second) => {
        const [left, right] = healthyPair(one, how).map((text, index) => {
          const lines = text.split('\n');
          lines.splice((index === 0 ? first : second) % lines.length, 1);
          return lines.join('\n');
        });
        const verdict = judged(one, [left ?? null, right ?? null]);
        expect(judged(swapped(one), [right ?? null, left ?? null])).toEqual({
          ...verdict,
          ends: [...verdict.ends].reverse(),
        });
        tellsNoSecret(one, verdict);
      }),
    );
  });

  test('has an evidence script without secrets', () => {
    fc.assert(
      fc.property(generated, (one) => {
        for (const end of perspectives(one)) expect(proof.evidence([end], OPTIONS).hasSecrets).toBe(false);
      }),
    );
  });
});
