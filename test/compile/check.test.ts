import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { check } from '../../src/compile/backends/ipsec-tools/check.ts';
import { dropsLineOf } from '../../src/compile/backends/ipsec-tools/psk.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Tunnel } from '../../src/model/tunnel.ts';
import { host, manual, psk, tunnel, x509 } from './support/tunnels.ts';
import { compileWorld } from './support/world.ts';

const a = host('a', 'ipsec0', '192.0.2.1');
const b = host('b', 'ipsec0', '192.0.2.2');
const ab = (key: string) => tunnel('a-b', [a, b], psk(key));
const codes = (...tunnels: Tunnel[]) => check(tunnels).map(({ code }) => code);

describe('a psk that the keys file and psk.txt can both carry', () => {
  test.each([
    'Key_Value01',
    'r3dh4tl1nux',
    `it's "$5" \`now\`; #1 & <x> | ~ *`,
    '#',
    '-n',
    '0xDEADBEEF',
    'a b',
    'x'.repeat(1000),
  ])('%s', (key) => expect(codes(ab(key))).toEqual([]));
});

describe('a psk that they cannot', () => {
  test.each([
    ['a\0b', 'a NUL byte'],
    ['a\nb', 'end of a line'],
    ['a\r', 'end of a line'],
    ['a\tb', 'a tab'],
    ['a\x1bb', 'a control character'],
    [' a', 'begins or ends with a blank'],
    ['a ', 'begins or ends with a blank'],
    ['a\\b', 'a backslash'],
    ['schlüssel', 'outside ASCII'],
    ['0xabc', '0x'],
    ['0xyz', '0x'],
    ['0x', '0x'],
    ['x'.repeat(1001), 'too long'],
  ])('%j', (key, why) => {
    const found = check([ab(key)]);
    expect(found).toMatchObject([
      { severity: 'error', code: 'psk-not-carriable', span: { file: 'tunnels.yml#a-b.keying.psk' } },
    ]);
    expect(found[0]?.message).toContain(why);
    expect(found[0]?.fix).toBeDefined();
  });

  test('never appears in the message', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 8 }), (key) => {
        fc.pre(check([ab(key)]).length > 0);
        expect(JSON.stringify(check([ab(key)]))).not.toContain(JSON.stringify(key).slice(1, -1));
      }),
    );
  });

  test('of an absent tunnel does not matter', () => expect(codes({ ...ab('a\nb'), state: 'absent' })).toEqual([]));

  test('that a mesh shares is told once', () => {
    const place = ab('').at('keying', 'psk');
    const shared = (name: string) => ({ ...tunnel(name, [a, b], psk('a\nb')), at: () => place });
    expect(codes(shared('one'), shared('two')).filter((code) => code === 'psk-not-carriable')).toHaveLength(1);
  });
});

test('a manual key whose characters a shell may change', () => {
  const sa = (key: string) => ({ ah: { spi: 0x200, key: new Secret(key) } });
  expect(codes(tunnel('a-b', [a, b], manual(sa('twenty bytes of text'), sa('0x'.padEnd(42, '1')))))).toEqual([]);
  expect(check([tunnel('a-b', [a, b], manual(sa('twenty bytes of t\\xt'), sa('twenty bytes of text')))])).toMatchObject(
    [{ code: 'manual-key-not-carriable', span: { file: 'tunnels.yml#a-b.keying.manual.a.ah.key' } }],
  );
});

describe('two tunnels of one host to one peer', () => {
  const second = (keying: Tunnel['keying'], rest: Partial<Tunnel> = {}) =>
    tunnel(
      'second',
      [
        { ...a, nickname: 'x' },
        { ...b, managed: false },
      ],
      keying,
      rest,
    );

  test('agree', () => expect(codes(ab('key'), second(psk('key')))).toEqual([]));

  test('with different keys', () => {
    const found = check([ab('key'), second(psk('other'))]);
    expect(found).toMatchObject([
      { severity: 'error', code: 'peer-psk-differs', related: [{ span: { file: 'tunnels.yml#a-b.keying' } }] },
    ]);
    expect(JSON.stringify(found)).not.toMatch(/"key"|other"/);
  });

  test.each<[string, Partial<Tunnel>]>([
    ['a cipher', { ike: { encryption: 'aes' } }],
    ['a hash', { ike: { hash: 'md5' } }],
    ['a group', { ike: { dhGroup: 5 } }],
    ['a cipher, by way of ESP', { esp: { encryption: 'aes' } }],
    ['a hash, by way of AH', { ah: { authentication: 'md5' } }],
  ])('with %s of their own in phase 1', (_, rest) =>
    expect(codes(ab('key'), second(psk('key'), rest))).toEqual(['peer-phase1-differs']),
  );

  test('with the default written out', () => {
    const rest = { ike: { encryption: '3des', hash: 'sha1', dhGroup: 2 } };
    expect(codes(ab('key'), second(psk('key'), rest))).toEqual([]);
  });

  test('with certificates for one of them', () =>
    expect(codes(ab('key'), second(x509('a', 'b', 'file')))).toEqual(['peer-phase1-differs']));

  test('manual keys share nothing', () => {
    const sa = { ah: { spi: 0x200, key: new Secret('twenty bytes of text') } };
    expect(codes(ab('key'), second(manual(sa, sa), { ike: { dhGroup: 5 } }))).toEqual([]);
  });

  test('one of them absent', () => expect(codes(ab('key'), second(psk('other'), { state: 'absent' }))).toEqual([]));
});

describe('addresses that RHEL 4/5 take for each other', () => {
  const spoke = (address: string) =>
    tunnel(
      address,
      [
        { ...a, nickname: `n${address}` },
        { ...host(`h${address}`, 'x', address), managed: false },
      ],
      psk('key'),
    );

  test('one is the beginning of others: one warning', () => {
    const found = check(['10.0.0.1', '10.0.0.10', '10.0.0.12', '10.0.0.2'].map(spoke));
    expect(found).toMatchObject([
      { severity: 'warning', code: 'address-prefix', span: { file: 'tunnels.yml#10.0.0.1.ends.h10.0.0.1.address' } },
    ]);
    expect(found[0]?.message).toContain('ifup for 10.0.0.1 drops the psk.txt lines of 10.0.0.10, 10.0.0.12 (on a)');
  });

  test('on different hosts: none', () => {
    const one = tunnel('one', [a, host('p', 'x', '10.0.0.1')], psk('key'));
    const other = tunnel('other', [b, host('q', 'x', '10.0.0.10')], psk('key'));
    expect(codes(one, other)).toEqual([]);
  });

  test('without a psk: none', () => {
    const keyed = ['10.0.0.1', '10.0.0.10'].map((address) => ({ ...spoke(address), keying: x509('a', 'b', 'dns') }));
    expect(codes(...keyed)).toEqual([]);
  });

  test('as grep -v "^$DST" has it', () => {
    const address = fc.ipV4();
    const near = fc.constantFrom('1.1.1.1', '101.1.1.9', '1.1.1.12', '1.1.11.1', '11.1.1.1', '111.1.1.1');
    fc.assert(
      fc.property(fc.oneof(address, near), fc.oneof(address, near), (dst, other) => {
        expect(dropsLineOf(dst, other)).toBe(dst !== other && new RegExp(`^${dst}`).test(`${other} key`));
      }),
    );
  });
});

test('an error of the tunnels leaves nothing to run, and a warning everything', () => {
  expect(compileWorld({ tunnels: [ab('a\nb')] })).toMatchObject({
    plays: [],
    diagnostics: [{ code: 'psk-not-carriable' }],
  });
  const warned = compileWorld({
    tunnels: ['10.0.0.1', '10.0.0.10'].map((address) =>
      tunnel(
        address,
        [
          { ...a, nickname: address },
          { ...b, address, managed: false },
        ],
        psk('k'),
      ),
    ),
  });
  expect(warned.plays).toHaveLength(1);
  expect(warned.diagnostics).toMatchObject([{ severity: 'warning' }]);
});
