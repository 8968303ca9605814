import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reveal, Secret } from '../../src/model/secret.ts';
import { derivePsk } from '../../src/secrets/derive.ts';
import { makeFingerprint } from '../../src/secrets/fingerprint.ts';

test('a fingerprint is keyed, short, and the same for the same secret', () => {
  const fingerprint = makeFingerprint(Buffer.from('run'));
  expect(fingerprint(new Secret('Key_Value01'))).toBe(
    `fp:${createHmac('sha256', 'run').update('Key_Value01').digest('hex').slice(0, 8)}`,
  );
  expect(fingerprint(new Secret('a'))).not.toBe(fingerprint(new Secret('b')));
  expect(makeFingerprint(Buffer.from('other'))(new Secret('a'))).not.toBe(fingerprint(new Secret('a')));
});

describe('a derived psk', () => {
  const psk = (master: string, a: string, b: string) => reveal(derivePsk(new Secret(master), [a, b]));

  test('never changes: keys on hosts depend on it', () => {
    // printf 'ipsec-play psk 1\\0lana\\0lanb' | openssl dgst -sha256 -hmac master -binary | base64 | tr '+/' '-_'
    expect(psk('master', 'lana', 'lanb')).toBe('c6CNPOxHP4QSQuUV_6XNHWxKt32XEDxRykzzdymU0Go');
  });

  test('is one a pair, in either order, and safe in psk.txt and in a shell', () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,8}$/);
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(name, name, (a, b) => {
        const key = psk('master', a, b);
        expect(key).toBe(psk('master', b, a));
        expect(key).toMatch(/^(?!0x)[A-Za-z0-9_][A-Za-z0-9_-]{42}$/);
        const pair = [a, b].sort().join(' ');
        expect(seen.get(key) ?? pair).toBe(pair);
        seen.set(key, pair);
      }),
      { numRuns: 2000 },
    );
    expect(psk('other', 'a', 'b')).not.toBe(psk('master', 'a', 'b'));
  });

  test('never begins as a hexadecimal number or an option, where the plain HMAC would', () => {
    const plain = (index: number) =>
      createHmac('sha256', 'm').update(`ipsec-play psk 1\0a\0h${index}`).digest('base64url');
    const awkward = Array.from({ length: 20_000 }, (_, index) => index).filter((index) => /^(0x|-)/.test(plain(index)));
    expect(awkward.some((index) => plain(index).startsWith('0x'))).toBe(true);
    for (const index of awkward) expect(psk('m', 'a', `h${index}`)).not.toMatch(/^(0x|-)/);
  });
});
