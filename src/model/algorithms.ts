/**
 * The algorithms of IPsec on Linux, by their names in racoon.conf(5) (as Red Hat's scripts take them) and in setkey(8),
 * with the key lengths that the kernel takes.
 */
interface Algorithm {
  /** `null`: IKE cannot negotiate it. */
  readonly racoon: string | null;
  readonly setkey: string;
  /** In bytes, ascending. */
  readonly keyLengths: readonly number[];
  /** Lengths in bits that racoon takes after the name: `aes 256`. */
  readonly racoonBits?: readonly number[];
}

export type AlgorithmKind = 'encryption' | 'authentication';

/** Who negotiates or sets the keys, which decides how an algorithm is spelled. */
export type Spelling = 'racoon' | 'setkey';

const AES_BITS = [128, 192, 256];

const ALGORITHMS: Readonly<Record<AlgorithmKind, readonly Algorithm[]>> = {
  encryption: [
    { racoon: '3des', setkey: '3des-cbc', keyLengths: [24] },
    { racoon: 'aes', setkey: 'aes-cbc', keyLengths: [16, 24, 32], racoonBits: AES_BITS },
    { racoon: 'rijndael', setkey: 'rijndael-cbc', keyLengths: [16, 24, 32], racoonBits: AES_BITS },
    {
      racoon: 'blowfish',
      setkey: 'blowfish-cbc',
      keyLengths: range(5, 56),
      racoonBits: range(5, 56).map((n) => n * 8),
    },
    { racoon: 'camellia', setkey: 'camellia-cbc', keyLengths: [16, 24, 32], racoonBits: AES_BITS },
    { racoon: 'cast128', setkey: 'cast128-cbc', keyLengths: range(5, 16) },
    { racoon: 'des', setkey: 'des-cbc', keyLengths: [8] },
    { racoon: null, setkey: 'twofish-cbc', keyLengths: [16, 24, 32] },
  ],
  authentication: [
    { racoon: 'sha1', setkey: 'hmac-sha1', keyLengths: [20] },
    { racoon: 'md5', setkey: 'hmac-md5', keyLengths: [16] },
    { racoon: 'sha256', setkey: 'hmac-sha256', keyLengths: [32] },
    { racoon: 'sha384', setkey: 'hmac-sha384', keyLengths: [48] },
    { racoon: 'sha512', setkey: 'hmac-sha512', keyLengths: [64] },
    { racoon: null, setkey: 'hmac-ripemd160', keyLengths: [20] },
    { racoon: null, setkey: 'aes-xcbc-mac', keyLengths: [16] },
  ],
};

/** What the network scripts take for manual keying where nothing is written. */
export const MANUAL_DEFAULTS = { encryption: '3des-cbc', authentication: 'hmac-sha1' } as const;

/** Diffie-Hellman groups of racoon.conf(5): RFC 2409 and RFC 3526. */
export const DH_GROUPS: readonly number[] = [1, 2, 5, 14, 15, 16, 17, 18];

/** The names of `kind` in one spelling, the usual ones first. */
export function algorithmNames(kind: AlgorithmKind, spelling: Spelling): readonly string[] {
  return ALGORITHMS[kind].flatMap((algorithm) => algorithm[spelling] ?? []);
}

/**
 * The name of an algorithm in the wanted spelling, from either spelling (`3des`, `3des-cbc`, `hmac_sha1`), or undefined.
 * racoon's may be followed by a key length in bits.
 */
export function spellAlgorithm(kind: AlgorithmKind, text: string, spelling: Spelling): string | undefined {
  const [word = '', bits, ...more] = text.trim().split(/\s+/);
  const name = word.replaceAll('_', '-');
  const found = ALGORITHMS[kind].find(({ racoon, setkey }) => name === racoon || name === setkey);
  if (!found || more.length > 0) return undefined;
  if (bits === undefined) return found[spelling] ?? undefined;
  const known = /^\d+$/.test(bits) && found.racoonBits?.includes(Number(bits));
  return spelling === 'racoon' && known ? `${found.racoon} ${bits}` : undefined;
}

/** The key lengths in bytes that an algorithm of setkey(8) takes. */
export function keyLengths(kind: AlgorithmKind, setkeyName: string): readonly number[] {
  return ALGORITHMS[kind].find(({ setkey }) => setkey === setkeyName)?.keyLengths ?? [];
}

/**
 * True when two of the three DES keys of a 3DES key are the same, parity bits aside: it is then no stronger than DES,
 * and the kernel refuses it.
 */
export function hasRepeatedParts(key: Uint8Array): boolean {
  const [a, b, c] = [0, 8, 16].map((start) => withoutParity(key.subarray(start, start + 8)));
  return a === b || b === c || a === c;
}

/** True for the weak and semi-weak keys of DES (FIPS 74), parity bits aside. */
export function isWeakDesKey(key: Uint8Array): boolean {
  return WEAK_DES_KEYS.has(withoutParity(key));
}

const WEAK_DES_KEYS = new Set(
  (
    '0101010101010101 fefefefefefefefe e0e0e0e0f1f1f1f1 1f1f1f1f0e0e0e0e ' +
    '011f011f010e010e 1f011f010e010e01 01e001e001f101f1 e001e001f101f101 01fe01fe01fe01fe fe01fe01fe01fe01 ' +
    '1fe01fe00ef10ef1 e01fe01ff10ef10e 1ffe1ffe0efe0efe fe1ffe1ffe0efe0e e0fee0fef1fef1fe fee0fee0fef1fef1'
  )
    .split(' ')
    .map((hex) => withoutParity(Buffer.from(hex, 'hex'))),
);

function withoutParity(key: Uint8Array): string {
  return Buffer.from(key.map((byte) => byte & 0xfe)).toString('hex');
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
