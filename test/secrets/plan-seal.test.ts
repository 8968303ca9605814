import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/model/secret.ts';
import { planSeal } from '../../src/secrets/plan-seal.ts';

const key = (byte: string) => planSeal(new Secret(byte.repeat(32)));
const hex = fc.stringMatching(/^[0-9a-f]{64}$/);

test('the same key gives the same digests, another key others, of everything', () => {
  fc.assert(
    fc.property(hex, hex, fc.string(), (one, other, text) => {
      fc.pre(one !== other);
      const [a, again, b] = [planSeal(new Secret(one)), planSeal(new Secret(one)), planSeal(new Secret(other))];
      const secret = new Secret(text);
      const all = (seal: typeof a) => [seal.keyId, seal.fingerprint(secret), seal.digest('x', text), seal.seal(text)];
      expect(all(a)).toEqual(all(again));
      expect(all(a).filter((digest, index) => digest === all(b)[index])).toEqual([]);
    }),
  );
});

describe('one key', () => {
  const seal = key('5a');

  test('tells two names apart, and where one ends', () => {
    expect(seal.digest('a', 'text')).not.toBe(seal.digest('b', 'text'));
    expect(seal.digest('ab', 'c')).not.toBe(seal.digest('a', 'bc'));
  });

  test('uses are apart: what one shows is nothing in another', () => {
    const text = 'Key_Value01';
    const shown = [seal.seal(text), seal.digest('', text).slice(3), seal.fingerprint(new Secret(text)).slice(3)];
    for (const one of shown) for (const other of shown) if (one !== other) expect(one.startsWith(other)).toBe(false);
  });

  test('knows its own seal, and no other', () => {
    const given = seal.seal('all of it');
    expect(seal.isSealOf(given, 'all of it')).toBe(true);
    expect(seal.isSealOf(given, 'all of it.')).toBe(false);
    expect(seal.isSealOf(given.slice(1), 'all of it')).toBe(false);
    expect(key('5b').isSealOf(given, 'all of it')).toBe(false);
  });
});
