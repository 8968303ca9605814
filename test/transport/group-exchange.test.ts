import { createDiffieHellmanGroup, getDiffieHellman } from 'node:crypto';
import type { Client } from 'ssh2';
import { expect, test, vi } from 'vitest';
import { quickGroupExchange } from '../../src/transport/group-exchange.ts';

/** An exchange as ssh2 makes it, with what ssh2 would do noted in `slow`. */
function exchangeOf(prime: Buffer, generator: Buffer, leastBits = 2048) {
  const protocol: { _kex?: unknown } = { _kex: undefined };
  quickGroupExchange({ _protocol: protocol } as unknown as Client, leastBits);
  const slow = vi.fn();
  const exchange = {
    type: 'groupex',
    _prime: null as Buffer | null,
    _generator: null as Buffer | null,
    _dh: null as null | { computeSecret(other: Buffer): Buffer; getPrime(): Buffer; getGenerator(): Buffer },
    _public: null as Buffer | null,
    generateKeys: slow as () => void,
  };
  protocol._kex = exchange;
  expect(protocol._kex).toBe(exchange);
  exchange._prime = prime;
  exchange._generator = generator;
  return { exchange, slow };
}

const two = Buffer.of(2);

test.each(['modp14', 'modp15', 'modp16'])('both sides come to the same secret: %s', (name) => {
  for (let round = 0; round < 3; round += 1) {
    const theirs = createDiffieHellmanGroup(name);
    const theirPublic = theirs.generateKeys();
    const { exchange, slow } = exchangeOf(Buffer.concat([Buffer.of(0), theirs.getPrime()]), theirs.getGenerator());
    exchange.generateKeys();
    exchange.generateKeys();
    expect(slow).not.toHaveBeenCalled();
    const ours = exchange._dh?.computeSecret(Buffer.concat([Buffer.of(0), theirPublic]));
    expect(ours?.equals(theirs.computeSecret(exchange._public as Buffer))).toBe(true);
    expect(exchange._dh?.getPrime().subarray(1).equals(theirs.getPrime())).toBe(true);
    expect(exchange._dh?.getGenerator()).toEqual(theirs.getGenerator());
  }
});

const prime = getDiffieHellman('modp14').getPrime();
const minus = (bytes: Buffer, less: bigint) => {
  const text = (BigInt(`0x${bytes.toString('hex')}`) - less).toString(16);
  return Buffer.from(text.padStart(bytes.length * 2, '0'), 'hex');
};

test.each([
  ['a short prime', getDiffieHellman('modp2').getPrime(), two, 2048, /1024 bits/],
  ['a long prime', Buffer.concat([Buffer.of(1), Buffer.alloc(1024, 0xff)]), two, 2048, /8193 bits/],
  ['a prime that is even', minus(prime, 1n), two, 2048, /even/],
  ['a generator of one', prime, Buffer.of(1), 2048, /generator/],
  ['a generator that is the prime less one', prime, minus(prime, 1n), 2048, /generator/],
])('a group that is refused: %s', (_name, given, generator, least, why) => {
  const { exchange, slow } = exchangeOf(given, generator, least);
  expect(() => exchange.generateKeys()).toThrow(why);
  expect(() => exchange.generateKeys()).toThrow(expect.objectContaining({ code: 'UNSAFE_GROUP' }));
  expect(slow).not.toHaveBeenCalled();
});

test('1024 bits are for those alone who say so', () => {
  const { exchange } = exchangeOf(getDiffieHellman('modp2').getPrime(), two, 1024);
  exchange.generateKeys();
  expect(exchange._public).not.toBeNull();
});

test.each([
  ['0', Buffer.of(0)],
  ['1', Buffer.of(1)],
  ['the prime less one', minus(prime, 1n)],
  ['the prime', prime],
  ['a power of two', Buffer.concat([Buffer.of(8), Buffer.alloc(100)])],
])("a host's public value that is refused: %s", (_name, value) => {
  const { exchange } = exchangeOf(prime, two);
  exchange.generateKeys();
  expect(() => exchange._dh?.computeSecret(value)).toThrow(/public value/);
});

test('what OpenSSL does not take in this way, ssh2 does in its own', () => {
  const { exchange, slow } = exchangeOf(prime, minus(prime, 2n));
  exchange.generateKeys();
  expect(slow).toHaveBeenCalledOnce();
});

test('nothing is touched where ssh2 looks different', () => {
  const other = { _protocol: { _kex: { type: 'group' } } };
  quickGroupExchange(other as unknown as Client, 2048);
  expect(Object.getOwnPropertyDescriptor(other._protocol, '_kex')?.get).toBeUndefined();
  const protocol: { _kex?: unknown } = { _kex: undefined };
  quickGroupExchange({ _protocol: protocol } as unknown as Client, 2048);
  const generateKeys = () => {};
  protocol._kex = { type: 'ecdh', generateKeys };
  expect(protocol._kex).toEqual({ type: 'ecdh', generateKeys });
  quickGroupExchange({} as unknown as Client, 2048);
});
