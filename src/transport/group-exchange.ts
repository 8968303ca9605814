import { createPublicKey, diffieHellman, generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto';
import type { Client } from 'ssh2';

/**
 * Makes ssh2 compute a Diffie-Hellman group exchange (RFC 4419) without testing the host's prime, which blocks Node for
 * 1.5 s with 3072 bits. That test protects nobody: the group is part of what the host signs, so none but the host itself
 * can have chosen it, and ssh(1) does not test it either. As ssh(1) does, the size of the group and the host's public
 * value are checked. It reaches into ssh2, so it does nothing where that looks different than expected.
 */
export function quickGroupExchange(client: Client, leastBits: number): void {
  const { _protocol: protocol } = client as unknown as { readonly _protocol?: { _kex?: unknown } };
  if (protocol === undefined || !('_kex' in protocol) || protocol._kex !== undefined) return;
  let current: unknown;
  // A new exchange is put there when the negotiation has chosen it, before it has done anything.
  Object.defineProperty(protocol, '_kex', {
    configurable: true,
    enumerable: true,
    get: () => current,
    set: (exchange: unknown) => {
      if (isGroupExchange(exchange)) quicken(exchange, leastBits);
      current = exchange;
    },
  });
}

/** `code` of the error where a host's group is refused. */
export const UNSAFE_GROUP = 'UNSAFE_GROUP';

interface GroupExchange {
  type: 'groupex';
  _prime: Buffer | null;
  _generator: Buffer | null;
  _dh: DiffieHellman | null;
  _public: Buffer | null;
  generateKeys(): void;
}

/** What ssh2 uses of Node's class of that name. */
interface DiffieHellman {
  computeSecret(other: Buffer): Buffer;
  getPrime(): Buffer;
  getGenerator(): Buffer;
}

function isGroupExchange(exchange: unknown): exchange is GroupExchange {
  const { type, _prime, _dh, generateKeys } = (exchange ?? {}) as Partial<GroupExchange>;
  return type === 'groupex' && _prime === null && _dh === null && typeof generateKeys === 'function';
}

function quicken(exchange: GroupExchange, leastBits: number): void {
  const slow = exchange.generateKeys;
  exchange.generateKeys = () => {
    const { _prime: prime, _generator: generator } = exchange;
    if (exchange._dh !== null || prime === null || generator === null) return;
    checkGroup(number(prime), number(generator), leastBits);
    try {
      const { dh, publicValue } = keyPair(prime, generator);
      exchange._dh = dh;
      exchange._public = publicValue;
    } catch {
      slow.call(exchange);
    }
  };
}

function checkGroup(prime: bigint, generator: bigint, leastBits: number): void {
  const bits = prime.toString(2).length;
  if (bits < leastBits || bits > 8192) {
    throw unsafe(`its prime has ${bits} bits, and must have between ${leastBits} and 8192`);
  }
  if (prime % 2n === 0n) throw unsafe('its prime is even');
  if (generator <= 1n || generator >= prime - 1n) throw unsafe('its generator is out of range');
}

/** RFC 4253 8, and ssh(1)'s own minimum of bits that are set. */
function checkPublicValue(value: bigint, prime: bigint): void {
  if (value <= 1n || value >= prime - 1n) throw unsafe("the host's public value is out of range");
  if (value.toString(2).replaceAll('0', '').length < 4) throw unsafe("the host's public value is too simple");
}

/** Missing from Node's types. */
const generateDh = generateKeyPairSync as unknown as (
  type: 'dh',
  group: { readonly prime: Buffer; readonly generator: number },
) => KeyPairKeyObjectResult;

function keyPair(prime: Buffer, generator: Buffer): { dh: DiffieHellman; publicValue: Buffer } {
  const { publicKey, privateKey } = generateDh('dh', { prime, generator: Number(number(generator)) });
  const { algorithm, value } = readPublicKey(publicKey.export({ type: 'spki', format: 'der' }));
  const dh: DiffieHellman = {
    computeSecret: (other) => {
      checkPublicValue(number(other), number(prime));
      const theirs = createPublicKey({ key: writePublicKey(algorithm, other), type: 'spki', format: 'der' });
      return diffieHellman({ privateKey, publicKey: theirs });
    },
    getPrime: () => prime,
    getGenerator: () => generator,
  };
  return { dh, publicValue: value };
}

/** SubjectPublicKeyInfo (RFC 5280 4.1): the algorithm with the group in it, whole, and the public value (RFC 3279 2.3.3). */
function readPublicKey(der: Buffer): { algorithm: Buffer; value: Buffer } {
  const whole = element(der, 0);
  const algorithm = element(der, whole.start);
  const bits = element(der, algorithm.end);
  // The first octet of a BIT STRING counts its unused bits.
  const value = element(der, bits.start + 1);
  return { algorithm: der.subarray(whole.start, algorithm.end), value: der.subarray(value.start, value.end) };
}

function writePublicKey(algorithm: Buffer, value: Buffer): Buffer {
  const shortest = value.subarray(value.findIndex((octet) => octet !== 0));
  const positive = (shortest[0] ?? 0) < 0x80 ? shortest : Buffer.concat([Buffer.of(0), shortest]);
  return encoded(SEQUENCE, algorithm, encoded(BIT_STRING, Buffer.of(0), encoded(INTEGER, positive)));
}

const SEQUENCE = 0x30;
const BIT_STRING = 0x03;
const INTEGER = 0x02;

function element(der: Buffer, at: number): { start: number; end: number } {
  const first = der.readUInt8(at + 1);
  const more = first < 0x80 ? 0 : first - 0x80;
  const length = more === 0 ? first : der.readUIntBE(at + 2, more);
  const start = at + 2 + more;
  return { start, end: start + length };
}

function encoded(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const octets = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...octets), content]);
}

function number(bytes: Buffer): bigint {
  return BigInt(`0x0${bytes.toString('hex')}`);
}

function unsafe(why: string): Error {
  return Object.assign(new Error(why), { code: UNSAFE_GROUP });
}
