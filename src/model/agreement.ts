import type { Secret } from './secret.ts';
import type { Keying, Tunnel } from './tunnel.ts';

/**
 * All that the two administrators of a tunnel must agree on, with every default spelled out, as the far one reads it: `you`
 * is the end that the page is for. No secret is in it.
 */
export interface Agreement {
  readonly tunnel: string;
  readonly type: Tunnel['type'];
  readonly mode: 'transport' | 'tunnel';
  readonly you: AgreedEnd;
  readonly us: AgreedEnd;
  /** Absent protocols are switched off. Both: ESP inside AH. */
  readonly esp: { readonly encryption: readonly Cipher[]; readonly authentication: readonly string[] } | null;
  readonly ah: { readonly authentication: readonly string[] } | null;
  readonly keying: AutomaticKeying | ManualKeying;
}

export interface AgreedEnd {
  readonly host: string;
  readonly address: string;
  /** Null between hosts. */
  readonly network: { readonly cidr: string; readonly address: string; readonly prefix: number } | null;
  readonly gateway: string | null;
}

/** `bits`: the key's length, null where the cipher has only one. */
export interface Cipher {
  readonly name: string;
  readonly bits: number | null;
}

/** IKEv1, RFC 2409. */
export interface AutomaticKeying {
  readonly method: 'psk' | 'x509';
  readonly certificates: CertificatePair | null;
  readonly phase1: {
    readonly encryption: Cipher;
    readonly hash: string;
    readonly dhGroup: number;
    /** Seconds. */
    readonly lifetime: number;
    /** What our end begins with, and what it takes when yours begins. */
    readonly begins: 'main' | 'aggressive';
    readonly accepts: readonly ('main' | 'aggressive')[];
  };
  readonly phase2: {
    /** Null: no perfect forward secrecy. */
    readonly pfsGroup: number | null;
    readonly lifetime: number;
  };
}

export interface CertificatePair {
  readonly you: string;
  readonly us: string;
  readonly peer: Extract<Keying, { method: 'x509' }>['peer'];
}

export interface ManualKeying {
  readonly method: 'manual';
  /** The SPIs of what each end sends. */
  readonly sent: { readonly you: AgreedSas; readonly us: AgreedSas };
}

export interface AgreedSas {
  readonly ah: { readonly spi: number; readonly key: string } | null;
  /** `key` and `authenticationKey` are the placeholders of the keys. */
  readonly esp: { readonly spi: number; readonly key: string; readonly authenticationKey: string | null } | null;
}

/** What the far end would write in one product, or why that product cannot be the far end. */
export interface PeerConfiguration {
  readonly id: string;
  readonly title: string;
  /** None where the product cannot carry the tunnel. */
  readonly files: readonly PeerFile[];
  readonly cannot: readonly string[];
  /** What an administrator must know beside the files. */
  readonly notes: readonly string[];
}

export interface PeerFile {
  readonly path: string;
  /** `root`'s alone. */
  readonly isSecret: boolean;
  readonly text: string;
}

/** A key of a tunnel, and the word that stands in its place wherever it would be written. */
export interface NamedKey {
  readonly placeholder: string;
  readonly what: string;
  readonly key: Secret;
}

/** The keys of a tunnel; none with certificates. */
export function namedKeys({ keying, ends }: Tunnel): readonly NamedKey[] {
  if (keying.method === 'x509') return [];
  if (keying.method === 'psk') {
    return [{ placeholder: keyPlaceholder('psk', ''), what: 'the pre-shared key', key: keying.psk }];
  }
  return keying.sent.flatMap(({ ah, esp }, index) => {
    const host = ends[index]?.host ?? '';
    const named = (kind: KeyKind, what: string, key: Secret | undefined): readonly NamedKey[] =>
      key === undefined
        ? []
        : [{ placeholder: keyPlaceholder(kind, host), what: `the ${what} that ${host} sends with`, key }];
    return [
      ...named('ah', 'AH key', ah?.key),
      ...named('esp', 'ESP key', esp?.key),
      ...named('esp-authentication', 'authentication key of ESP', esp?.authenticationKey),
    ];
  });
}

export type KeyKind = 'psk' | 'ah' | 'esp' | 'esp-authentication';

/** A word that needs no quotes in any of the files. `host` sends with the key. */
export function keyPlaceholder(kind: KeyKind, host: string): string {
  return kind === 'psk' ? '@KEY@' : `@${kind.toUpperCase()}-KEY-OF-${host}@`;
}
