import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pskObstacle } from '../../src/compile/backends/ipsec-tools/carriable.ts';
import { algorithmNames, hasRepeatedParts, isWeakDesKey, keyLengths } from '../../src/model/algorithms.ts';
import { parseManualKey } from '../../src/model/manual-key.ts';
import { reveal } from '../../src/model/secret.ts';
import { parseSpi } from '../../src/model/spi.ts';
import { drawManualKey, drawPsk, drawSpi, type RandomSource } from '../../src/secrets/draw-keys.ts';

/** Gives these bytes in turn, cut or filled up to the size that is asked for. */
function scripted(...answers: readonly Buffer[]): RandomSource {
  const left = [...answers];
  return (size) => {
    const next = left.shift();
    if (next === undefined) throw new Error('asked for more than there is');
    return Buffer.concat([next, Buffer.alloc(size)]).subarray(0, size);
  };
}

describe('psks', () => {
  test('have 256 bits or more, in letters that a shell and psk.txt take as they are', () => {
    for (let count = 0; count < 5000; count += 1) {
      const psk = drawPsk(randomBytes);
      expect(reveal(psk)).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{43}$/);
      expect(reveal(psk)).not.toMatch(/^0x/);
      expect(pskObstacle(psk)).toBe(null);
    }
  });

  test('are drawn again where they begin as an option or as hexadecimal', () => {
    const option = Buffer.from('-abc', 'base64url');
    const hexadecimal = Buffer.from('0xab', 'base64url');
    const good = Buffer.from('goodgood', 'base64url');
    expect(reveal(drawPsk(scripted(option, hexadecimal, good)))).toMatch(/^goodgoodA+$/);
  });

  test('come through a shell', () => {
    const keys = Array.from({ length: 200 }, () => reveal(drawPsk(randomBytes)));
    const script = keys.map((key) => `IKE_PSK=${key}\necho "$IKE_PSK"`).join('\n');
    expect(execFileSync('sh', [], { input: script, encoding: 'utf8' }).trim().split('\n')).toEqual(keys);
  });
});

describe('manual keys', () => {
  const algorithms = (['encryption', 'authentication'] as const).flatMap((kind) =>
    algorithmNames(kind, 'setkey').map((name) => ({ kind, name })),
  );
  test.each(algorithms)('of $name are as long as it takes at most', ({ kind, name }) => {
    for (let count = 0; count < 100; count += 1) {
      const parsed = parseManualKey(reveal(drawManualKey(randomBytes, kind, name)));
      if ('fault' in parsed) throw new Error(parsed.fault);
      expect(parsed.form).toBe('hexadecimal');
      expect(parsed.bytes.length).toBe(keyLengths(kind, name).at(-1));
    }
  });

  test('of DES and 3DES are neither weak nor repeated', () => {
    const weak = Buffer.from('0101010101010101', 'hex');
    const [a, b, c] = ['123456789abcdef0', '23456789abcdef01', '3456789abcdef012'].map((hex) =>
      Buffer.from(hex, 'hex'),
    );
    if (!a || !b || !c) throw new Error('three parts');
    // parity bits make no difference
    const twin = Buffer.from(a.map((byte) => byte ^ 1));
    expect(reveal(drawManualKey(scripted(weak, a), 'encryption', 'des-cbc'))).toBe('0x123456789abcdef0');
    const drawn = drawManualKey(
      scripted(Buffer.concat([a, twin, c]), Buffer.concat([a, weak, c]), Buffer.concat([a, b, c])),
      'encryption',
      '3des-cbc',
    );
    const bytes = Buffer.from(reveal(drawn).slice(2), 'hex');
    expect(bytes).toEqual(Buffer.concat([a, b, c]));
    expect(hasRepeatedParts(bytes) || isWeakDesKey(bytes.subarray(8, 16))).toBe(false);
  });

  test('of an unknown algorithm are a bug', () => {
    expect(() => drawManualKey(randomBytes, 'encryption', 'rot13')).toThrow('rot13');
  });
});

describe('SPIs', () => {
  test('are numbers that setkey takes, each once', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0x100, max: 0xffffffff })), (used) => {
        const taken = new Set(used);
        const drawn = Array.from({ length: 20 }, () => drawSpi(randomBytes, taken));
        expect(new Set([...used, ...drawn]).size).toBe(new Set(used).size + 20);
        for (const spi of drawn) expect(parseSpi(`0x${spi.toString(16)}`)).toBe(spi);
      }),
      { numRuns: 50 },
    );
  });

  test('are none that are taken, nor those of negotiated SAs', () => {
    const bytes = (...numbers: number[]) =>
      numbers.map((number) => Buffer.from(number.toString(16).padStart(8, '0'), 'hex'));
    const random = scripted(...bytes(0x0fffffff, 0x20000000, 0xa0000001));
    expect(drawSpi(random, new Set([0x20000000]))).toBe(0x20000001);
  });
});
