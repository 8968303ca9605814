import fc from 'fast-check';
import { Address4 } from 'ip-address';
import { describe, expect, test } from 'vitest';
import {
  algorithmNames,
  hasRepeatedParts,
  isWeakDesKey,
  keyLengths,
  spellAlgorithm,
} from '../../src/model/algorithms.ts';
import { parseManualKey } from '../../src/model/manual-key.ts';
import { naturalOrder } from '../../src/model/natural-order.ts';
import { isSafeName, nicknameFault } from '../../src/model/safe-name.ts';
import { parseSpi } from '../../src/model/spi.ts';
import { contains, isPrivate, isUnusable, overlap, parseSubnet, type Subnet } from '../../src/model/subnet.ts';

describe('algorithms', () => {
  test('are spelled for racoon and for setkey, from either spelling', () => {
    expect(spellAlgorithm('encryption', '3des', 'setkey')).toBe('3des-cbc');
    expect(spellAlgorithm('encryption', '3des-cbc', 'racoon')).toBe('3des');
    expect(spellAlgorithm('authentication', 'hmac_sha1', 'racoon')).toBe('sha1');
    expect(spellAlgorithm('authentication', 'sha256', 'setkey')).toBe('hmac-sha256');
    expect(spellAlgorithm('encryption', 'aes  256', 'racoon')).toBe('aes 256');
    for (const unknown of ['aes 100', 'aes 256 x', 'AES', 'none', '', '3des 192']) {
      expect(spellAlgorithm('encryption', unknown, 'racoon')).toBeUndefined();
    }
    expect(spellAlgorithm('encryption', 'aes 256', 'setkey')).toBeUndefined();
    expect(spellAlgorithm('encryption', 'twofish-cbc', 'racoon')).toBeUndefined();
  });

  test('have the key lengths of setkey(8)', () => {
    expect(keyLengths('encryption', '3des-cbc')).toEqual([24]);
    expect(keyLengths('encryption', 'aes-cbc')).toEqual([16, 24, 32]);
    expect(keyLengths('encryption', 'blowfish-cbc')).toHaveLength(52);
    expect(keyLengths('authentication', 'hmac-sha1')).toEqual([20]);
    expect(keyLengths('authentication', 'hmac-md5')).toEqual([16]);
    for (const kind of ['encryption', 'authentication'] as const) {
      for (const name of algorithmNames(kind, 'setkey')) expect(keyLengths(kind, name).length).toBeGreaterThan(0);
    }
  });

  test('a 3DES key is refused exactly when two of its parts are the same but for parity', () => {
    const part = fc.uint8Array({ minLength: 8, maxLength: 8 });
    const bare = (bytes: Uint8Array) => Buffer.from(bytes.map((byte) => byte & 0xfe)).toString('hex');
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 3 }),
        fc.array(fc.nat(2), { minLength: 3, maxLength: 3 }),
        fc.nat(23),
        (parts, picks, flip) => {
          const chosen = picks.map((pick) => parts[pick % parts.length] as Uint8Array);
          const key = Buffer.concat(chosen);
          key[flip] = (key[flip] ?? 0) ^ 1;
          expect(hasRepeatedParts(key)).toBe(new Set(chosen.map(bare)).size < 3);
        },
      ),
    );
  });

  test('weak DES keys are known whatever their parity', () => {
    expect(isWeakDesKey(Buffer.from('0000000000000000', 'hex'))).toBe(true);
    expect(isWeakDesKey(Buffer.from('FEE0FEE0FEF1FEF1', 'hex'))).toBe(true);
    expect(isWeakDesKey(Buffer.from('0123456789abcdef', 'hex'))).toBe(false);
  });
});

describe('manual keys', () => {
  test('are hexadecimal after 0x, else text by its bytes', () => {
    expect(parseManualKey('0x00fF')).toEqual({ bytes: Buffer.from([0, 255]), form: 'hexadecimal' });
    expect(parseManualKey('00ff')).toEqual({ bytes: Buffer.from('00ff'), form: 'text' });
    expect(parseManualKey('ü')).toMatchObject({ bytes: Buffer.from([0xc3, 0xbc]) });
    expect(parseManualKey('0xabc')).toEqual({ fault: 'hex-odd' });
    expect(parseManualKey('0xgg')).toEqual({ fault: 'hex-digits' });
    expect(parseManualKey('0Xaa')).toEqual({ fault: 'hex-upper-prefix' });
    expect(parseManualKey('a"b')).toEqual({ fault: 'text-characters' });
    expect(parseManualKey('a\nb')).toEqual({ fault: 'text-characters' });
  });
});

test('SPIs are read in decimal and hexadecimal', () => {
  expect(['256', '0x100', '0xFFFFFFFF', '4294967295'].map(parseSpi)).toEqual([256, 256, 4294967295, 4294967295]);
  const faults = ['255', '0', '0xff', '4294967296', '0100', 'x', '', '-1', '0x', '1.5'].map(parseSpi);
  expect(faults).toEqual(
    ['low', 'low', 'low', 'high', 'octal', 'form', 'form', 'form', 'form', 'form'].map((fault) => ({ fault })),
  );
});

describe('names', () => {
  test('are in natural order, which is total and does not depend on how they came', () => {
    expect(naturalOrder(['gw10', 'gw2', 'a', 'gw02', 'gw2b'])).toEqual(['a', 'gw02', 'gw2', 'gw2b', 'gw10']);
    const name = fc.string({ unit: fc.constantFrom('a', 'B', '0', '1', '9', '-'), maxLength: 6 });
    fc.assert(
      fc.property(fc.uniqueArray(name), fc.func(fc.nat()), (names, rank) => {
        const mixed = [...names].sort((a, b) => rank(a) - rank(b));
        expect(naturalOrder(mixed)).toEqual(naturalOrder(names));
      }),
    );
  });

  test('are safe in a path', () => {
    expect(['ipsec0', 'A', 'a.b_c-d', 'x'.repeat(64)].every(isSafeName)).toBe(true);
    expect(['', '.a', '-a', '_a', 'a/b', 'a b', 'a\n', 'ä', 'a~', 'x'.repeat(65)].some(isSafeName)).toBe(false);
  });

  test('of real interfaces, of scripts and of files that are passed over are no nicknames', () => {
    const reserved = [
      'lo',
      'eth0',
      'eth0.7',
      'em1',
      'p2p1',
      'enp0s3',
      'eno1',
      'ens192',
      'bond0',
      'br1',
      'ppp0',
      'ifup-ipsec',
      'keys-a',
      'ifup',
    ];
    expect(reserved.map(nicknameFault)).toEqual(reserved.map(() => 'reserved'));
    const ignored = ['a~', 'a.bak', 'a.orig', 'a.rpmnew', 'a.rpmorig', 'a.rpmsave', 'a-range', 'a-range0'];
    expect(ignored.map(nicknameFault)).toEqual(ignored.map(() => 'ignored'));
    const free = [
      'ipsec0',
      'lan',
      'local',
      'lana-lanb',
      'eth',
      'ethernet0',
      'engine',
      'range',
      'bridge',
      'backup',
      'p2p',
    ];
    expect(free.map(nicknameFault)).toEqual(free.map(() => undefined));
  });
});

describe('subnets', () => {
  const subnet = (cidr: string) => parseSubnet(cidr) as Subnet;
  test('contain and overlap', () => {
    expect(contains(subnet('192.168.1.0/24'), '192.168.1.255')).toBe(true);
    expect(contains(subnet('192.168.1.0/24'), '192.168.2.0')).toBe(false);
    expect(contains(subnet('0.0.0.0/0'), '255.255.255.255')).toBe(true);
    expect(contains(subnet('10.0.0.1/32'), '10.0.0.1')).toBe(true);
    expect(contains(subnet('128.0.0.0/1'), '127.255.255.255')).toBe(false);
    expect(overlap(subnet('10.0.0.0/8'), subnet('10.9.0.0/16'))).toBe(true);
    expect(overlap(subnet('10.9.0.0/16'), subnet('10.0.0.0/8'))).toBe(true);
    expect(overlap(subnet('10.8.0.0/16'), subnet('10.9.0.0/16'))).toBe(false);
  });

  test('begin and are masked where another library says', () => {
    const octet = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(octet, octet, octet, octet, fc.integer({ min: 0, max: 32 }), (a, b, c, d, prefix) => {
        const cidr = `${a}.${b}.${c}.${d}/${prefix}`;
        const other = new Address4(cidr);
        const first = `${other.startAddress().correctForm()}/${prefix}`;
        expect(parseSubnet(cidr)).toMatchObject(
          first === cidr
            ? { cidr, prefix, netmask: other.subnetMaskAddress().correctForm() }
            : { fault: 'host-bits', suggestion: first },
        );
        expect(parseSubnet(first)).toMatchObject({ cidr: first, netmask: other.subnetMaskAddress().correctForm() });
      }),
    );
  });

  test('tell private and unusable addresses', () => {
    expect(['10.0.0.1', '172.31.255.255', '192.168.0.1', '169.254.1.1'].every(isPrivate)).toBe(true);
    expect(['172.32.0.0', '172.15.0.1', '192.169.0.1', '203.0.113.1'].some(isPrivate)).toBe(false);
    expect(['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255'].every(isUnusable)).toBe(true);
    expect(['1.1.1.1', '126.255.255.255', '128.0.0.1', '223.255.255.255'].some(isUnusable)).toBe(false);
  });
});
