import { MANUAL_DEFAULTS } from '../../../../model/algorithms.ts';
import type { Tunnel } from '../../../../model/tunnel.ts';

type Said = Pick<Tunnel, 'ike' | 'esp' | 'ah'> & { readonly keying: { readonly method: string } };

/** What protects the packets, with the scripts' defaults filled in; `none`: it is off. */
export function protocolsSeen({ esp, ah, keying }: Said): {
  readonly esp: string;
  readonly hash: string;
  readonly ah: string;
} {
  const isManual = keying.method === 'manual';
  const cipher = isManual ? MANUAL_DEFAULTS.encryption : '3des';
  const hash = isManual ? MANUAL_DEFAULTS.authentication : 'sha1';
  return {
    esp: esp === false ? 'none' : (esp.encryption ?? cipher),
    hash: esp === false ? 'none' : (esp.authentication ?? hash),
    ah: ah === false ? 'none' : (ah.authentication ?? hash),
  };
}

/** As ifup-ipsec works it out: phase 1 without a cipher of its own takes that of ESP, and the hash of AH. */
export function phase1Seen({ ike, esp, ah }: Said): {
  readonly encryption: string;
  readonly hash: string;
  readonly dhGroup: string;
} {
  return {
    encryption: ike.encryption ?? (esp === false ? undefined : esp.encryption) ?? '3des',
    hash: ike.hash ?? (ah === false ? undefined : ah.authentication) ?? 'sha1',
    dhGroup: String(ike.dhGroup ?? 2),
  };
}
