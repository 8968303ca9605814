import type { NamedPhase2 } from './names.ts';

/** Each cipher with each hash, IKEv1 wants them one by one: `3des-sha1-modp1024`. Without a cipher the hashes alone, for AH. */
export function proposals({ ciphers, hashes, group }: NamedPhase2, separator: '-' | ';'): readonly string[] {
  const pairs =
    ciphers.length === 0
      ? hashes
      : hashes.length === 0
        ? ciphers
        : ciphers.flatMap((cipher) => hashes.map((hash) => `${cipher}-${hash}`));
  return group === null ? pairs : pairs.map((pair) => `${pair}${separator}${group}`);
}
