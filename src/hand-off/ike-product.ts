import type { Agreement, AutomaticKeying, PeerConfiguration } from '../model/agreement.ts';
import { isFaults, type NamedPhase1, type NamedPhase2, type Names, namedPhase1, namedPhase2 } from './names.ts';

/** A product that always negotiates its keys by IKE, and protects a packet by ESP or by AH, not by both. */
export interface IkeProduct {
  readonly id: string;
  readonly title: string;
  /** As it is called in messages. */
  readonly name: string;
  readonly names: Names;
  /** Why it cannot have manual keys, and what can. */
  readonly notManual: string;
  /** Why it cannot have AH around ESP, and what to agree on. */
  readonly notBoth: string;
}

/** Its configuration, which `write` makes where the product can carry the tunnel. */
export function ikeConfiguration(
  agreed: Agreement,
  { id, title, name, names, notManual, notBoth }: IkeProduct,
  write: (
    keying: AutomaticKeying,
    phase1: NamedPhase1,
    phase2: NamedPhase2,
  ) => Pick<PeerConfiguration, 'files' | 'notes'>,
): PeerConfiguration {
  const { keying, esp, ah } = agreed;
  const cannot = (why: readonly string[]) => ({ id, title, files: [], cannot: why, notes: [] });
  if (keying.method === 'manual') return cannot([notManual]);
  if (esp !== null && ah !== null) return cannot([notBoth]);
  const phase1 = namedPhase1(agreed, names, name);
  const phase2 = namedPhase2(agreed, names, name);
  if (isFaults(phase1) || isFaults(phase2)) {
    return cannot([...(isFaults(phase1) ? phase1 : []), ...(isFaults(phase2) ? phase2 : [])]);
  }
  const { files, notes } = write(keying, phase1, phase2);
  return { id, title, files, cannot: [], notes };
}
