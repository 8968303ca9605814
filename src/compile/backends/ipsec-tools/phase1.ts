import type { Perspective } from '../../../model/tunnel.ts';

/** What `ifup` writes into the peer's phase 1 file, with the scripts' own defaults filled in. */
export interface Phase1 {
  readonly encryption: string;
  readonly hash: string;
  readonly dhGroup: number;
  /** How the ends prove who they are. */
  readonly identity: string;
}

/** As ifup-ipsec works it out: phase 1 without a cipher of its own takes that of ESP, and the hash of AH. */
export function phase1Of({ tunnel, index }: Perspective): Phase1 {
  const { ike, esp, ah, keying } = tunnel;
  const encryption = ike.encryption ?? (esp === false ? undefined : esp.encryption) ?? '3des';
  const hash = ike.hash ?? (ah === false ? undefined : ah.authentication) ?? 'sha1';
  const identity =
    keying.method === 'x509'
      ? ['x509', keying.certificates[index], keying.peer, keying.certificates[1 - index]].join(' ')
      : keying.method;
  return { encryption, hash, dhGroup: ike.dhGroup ?? 2, identity };
}

export function samePhase1(a: Phase1, b: Phase1): boolean {
  return a.encryption === b.encryption && a.hash === b.hash && a.dhGroup === b.dhGroup && a.identity === b.identity;
}
