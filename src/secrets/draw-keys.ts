import { type AlgorithmKind, hasRepeatedParts, isWeakDesKey, keyLengths } from '../model/algorithms.ts';
import { Secret } from '../model/secret.ts';

/** So many bytes that nobody can guess: `randomBytes` of node:crypto. */
export type RandomSource = (size: number) => Uint8Array;

/**
 * A psk of 264 bits in 44 characters of base64url: the same raw in psk.txt and sourced by a shell. None begins as a
 * hexadecimal key of racoon's does, or as an option of a program.
 */
export function drawPsk(random: RandomSource): Secret {
  for (;;) {
    const psk = Buffer.from(random(33)).toString('base64url');
    if (!psk.startsWith('0x') && !psk.startsWith('-')) return new Secret(psk);
  }
}

/** A manual key in hexadecimal, as long as an algorithm of setkey(8) takes it at most. */
export function drawManualKey(random: RandomSource, kind: AlgorithmKind, setkeyName: string): Secret {
  const length = keyLengths(kind, setkeyName).at(-1);
  if (length === undefined) throw new Error(`setkey knows no ${kind} algorithm ${setkeyName}`);
  for (;;) {
    const key = random(length);
    if (isFit(key, setkeyName)) return new Secret(`0x${Buffer.from(key).toString('hex')}`);
  }
}

/** The kernel refuses a 3DES key whose parts repeat; a weak part makes it no stronger than two. */
function isFit(key: Uint8Array, setkeyName: string): boolean {
  if (setkeyName === 'des-cbc') return !isWeakDesKey(key);
  if (setkeyName !== '3des-cbc') return true;
  const parts = [0, 8, 16].map((start) => key.subarray(start, start + 8));
  return !hasRepeatedParts(key) && !parts.some(isWeakDesKey);
}

/**
 * An SPI that `taken` does not have, which it is added to. It is above those that the kernel gives to negotiated SAs
 * (0x100 to 0xfffffff), and below what old shells and awks count as negative.
 */
export function drawSpi(random: RandomSource, taken: Set<number>): number {
  for (;;) {
    const spi = Buffer.from(random(4)).readUInt32BE() & 0x7fffffff;
    if (spi <= 0xfffffff || taken.has(spi)) continue;
    taken.add(spi);
    return spi;
  }
}
