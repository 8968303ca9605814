import type { Agreement, Cipher } from '../model/agreement.ts';

/** How one product names algorithms; null: it does not have it. */
export interface Names {
  cipher(cipher: Cipher): string | null;
  hash(name: string): string | null;
  group(number: number): string | null;
}

/** What can be agreed of phase 1, or why nothing can. */
export interface NamedPhase1 {
  readonly encryption: string;
  readonly hash: string;
  readonly group: string;
}

export function namedPhase1({ keying }: Agreement, names: Names, product: string): NamedPhase1 | readonly string[] {
  if (keying.method === 'manual') return [];
  const { encryption, hash, dhGroup } = keying.phase1;
  const named = { encryption: names.cipher(encryption), hash: names.hash(hash), group: names.group(dhGroup) };
  if (named.encryption !== null && named.hash !== null && named.group !== null) return named as NamedPhase1;
  return [
    ...(named.encryption === null
      ? [`${product} has no ${cipherText(encryption)} for phase 1: agree on \`ike: { encryption: aes }\` with us`]
      : []),
    ...(named.hash === null ? [`${product} has no ${hash} for phase 1: agree on \`ike: { hash: sha1 }\` with us`] : []),
    ...(named.group === null
      ? [`${product} has no Diffie-Hellman group ${dhGroup}: agree on \`ike: { dh_group: 14 }\` with us`]
      : []),
  ];
}

/** The algorithms of phase 2 that both ends have, by the product's names; empty: there are none. */
export interface NamedPhase2 {
  readonly ciphers: readonly string[];
  readonly hashes: readonly string[];
  /** Null: no perfect forward secrecy. */
  readonly group: string | null;
}

export function namedPhase2(agreed: Agreement, names: Names, product: string): NamedPhase2 | readonly string[] {
  const { esp, ah, keying } = agreed;
  const ciphers = (esp?.encryption ?? []).flatMap((each) => names.cipher(each) ?? []);
  const hashes = (esp ?? ah)?.authentication.flatMap((each) => names.hash(each) ?? []) ?? [];
  const pfs = keying.method === 'manual' ? null : keying.phase2.pfsGroup;
  const group = pfs === null ? null : names.group(pfs);
  const faults = [
    ...(esp !== null && ciphers.length === 0 ? [`${product} has none of our ciphers of phase 2`] : []),
    ...(hashes.length === 0 && (esp?.authentication.length ?? 0) > 0
      ? [`${product} has none of our authentication algorithms of ESP`]
      : []),
    ...(ah !== null && !ah.authentication.some((each) => names.hash(each) !== null)
      ? [`${product} has none of our authentication algorithms of AH`]
      : []),
    ...(pfs !== null && group === null
      ? [`${product} has no Diffie-Hellman group ${pfs} for perfect forward secrecy`]
      : []),
  ];
  return faults.length > 0 ? faults : { ciphers: [...new Set(ciphers)], hashes: [...new Set(hashes)], group };
}

export function isFaults(named: object | readonly string[]): named is readonly string[] {
  return Array.isArray(named);
}

export function cipherText({ name, bits }: Cipher): string {
  return bits === null ? name : `${name} with ${bits} bits`;
}

/** RFC 2409 and RFC 3526, by the names that strongSwan and Libreswan share. */
export function modpName(group: number): string | null {
  return MODP[group] ?? null;
}

const MODP: Readonly<Record<number, string>> = {
  1: 'modp768',
  2: 'modp1024',
  5: 'modp1536',
  14: 'modp2048',
  15: 'modp3072',
  16: 'modp4096',
  17: 'modp6144',
  18: 'modp8192',
};

/**
 * HMAC-SHA-256 in IPsec has 128 bits by RFC 4868. What sets SAs by PF_KEY, as setkey and racoon do, gets 96 from Linux.
 */
export function hasShortSha256({ esp, ah }: Agreement): boolean {
  return [...(esp?.authentication ?? []), ...(ah?.authentication ?? [])].includes('sha256');
}

/** The far end begins with main mode: what a psk is worth can be tried out by who listens to aggressive mode. */
export function beginsNote(agreed: Agreement, howToAnswer: string): readonly string[] {
  if (agreed.keying.method === 'manual' || agreed.keying.phase1.begins !== 'aggressive') return [];
  return [
    `Our end takes main mode, and begins with aggressive mode itself. With this configuration your end begins, in main mode, and the tunnel stands for both. ${howToAnswer}`,
  ];
}
