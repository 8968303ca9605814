import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { algorithmNames } from '../../src/model/algorithms.ts';
import { Secret } from '../../src/model/secret.ts';
import { derivePsk } from '../../src/secrets/derive.ts';
import { drawManualKey, drawPsk, type RandomSource } from '../../src/secrets/draw-keys.ts';
import { manualKeyWeakness, pskWeakness } from '../../src/secrets/weakness.ts';

const psk = (text: string) => pskWeakness(new Secret(text));
const manual = (text: string) => manualKeyWeakness(new Secret(text));

describe('a psk is weak', () => {
  test.each([
    ['Key_Value01', 'is made of common words'],
    ['foobarbaz', 'is made of common words'],
    ['r3dh4tl1nux', 'is made of common words'],
    ['password', 'is made of common words'],
    ['P@ssw0rd-P@ssw0rd-2024!', 'is made of common words'],
    ['my_ipsec_tunnel_secret_key_0001', 'is made of common words'],
    ['aaaaaaaaaaaaaaaaaaaaaaaaa', 'repeats itself'],
    ['xK9xK9xK9xK9xK9xK9xK9xK9', 'repeats itself'],
    ['abcdefghijklmnopqrstuvwxyz', 'counts up or down'],
    ['9876543210987654321098765', 'counts up or down'],
    ['jwjwwwjjjwjwqqjwjwqjwjwjwqwj', 'has few different characters'],
    ['Xq7_bn2-Wr', 'has fewer than 20 characters'],
    ['0x0011223344', 'has fewer than 16 bytes'],
    ['0x000102030405060708090a0b0c0d0e0f', 'counts up or down'],
    ['0xabababababababababababababababab', 'is one byte over and over'],
  ])('%s', (text, why) => {
    expect(psk(text)).toBe(why);
  });

  test.each([
    'correct horse battery staple gravel',
    'Xq7_bn2-Wr0pLk4.Vt9sZ',
    '0x2f1c9b0e6a4d83577de0b8c1943fa62510cb7e98',
  ])('and not: %s', (text) => {
    expect(psk(text)).toBe(null);
  });
});

describe('a manual key is weak', () => {
  test.each([
    ['0x0000000000000000000000000000000000000000', 'is one byte over and over'],
    ['0x0123456789abcdef0123456789abcdef01234567', 'counts up or down'],
    ['0x000102030405060708090a0b0c0d0e0f10111213', 'counts up or down'],
    ['0x00112233445566778899aabbccddeeff00112233', 'counts up or down'],
    ['0xdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef', 'repeats itself'],
    ['0x1717117771171777111771717111717717171117', 'has few different digits'],
    ['abcdefghijklmnopqrst', 'counts up or down'],
    ['secretsecretsecret01', 'is made of common words'],
  ])('%s', (text, why) => {
    expect(manual(text)).toBe(why);
  });

  test('and not for its length, which its algorithm gives', () => {
    expect(manual('Xq7_bn2-Wr')).toBe(null);
  });
});

/** Bytes that a number stands for, as random as they can be told from. */
function seeded(seed: number): RandomSource {
  let count = 0;
  return (size) => {
    const blocks = Array.from({ length: Math.ceil(size / 32) }, () =>
      createHash('sha256').update(`${seed} ${count++}`).digest(),
    );
    return Buffer.concat(blocks).subarray(0, size);
  };
}

describe('no false alarm, of any random key', () => {
  test('drawn and derived psks, and what people are told to use', () => {
    fc.assert(
      fc.property(fc.nat(), fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (seed, a, b) => {
        const random = seeded(seed);
        expect(pskWeakness(drawPsk(random))).toBe(null);
        expect(pskWeakness(derivePsk(drawPsk(random), [a, b]))).toBe(null);
        expect(psk(Buffer.from(random(24)).toString('hex'))).toBe(null);
        expect(psk(Buffer.from(random(24)).toString('base64'))).toBe(null);
        expect(psk(`0x${Buffer.from(random(16)).toString('hex')}`)).toBe(null);
      }),
      { numRuns: 5000 },
    );
  });

  test('drawn manual keys of every algorithm', () => {
    const algorithms = (['encryption', 'authentication'] as const).flatMap((kind) =>
      algorithmNames(kind, 'setkey').map((name) => ({ kind, name })),
    );
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...algorithms), (seed, { kind, name }) => {
        expect(manualKeyWeakness(drawManualKey(seeded(seed), kind, name))).toBe(null);
      }),
      { numRuns: 5000 },
    );
  });

  test("the system's own generator", () => {
    for (let count = 0; count < 2000; count += 1) expect(pskWeakness(drawPsk(randomBytes))).toBe(null);
  });
});
