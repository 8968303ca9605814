import type { Secret } from '../../../model/secret.ts';
import type { Perspective } from '../../../model/tunnel.ts';

/** A line of psk.txt. */
export interface PskEntry {
  readonly peer: string;
  readonly key: Secret;
}

/** One line for each peer, however many tunnels lead to it: check.ts has seen to it that their keys are the same. */
export function pskEntries(ends: readonly Perspective[]): readonly PskEntry[] {
  const entries = new Map<string, PskEntry>();
  for (const { tunnel, dst } of ends) {
    if (tunnel.state === 'absent' || tunnel.keying.method !== 'psk' || entries.has(dst.address)) continue;
    entries.set(dst.address, { peer: dst.address, key: tunnel.keying.psk });
  }
  return [...entries.values()];
}

/**
 * True when RHEL 4/5's `ifup` for `dst` drops the line of `other`: it runs `grep -v "^$DST"`, where a dot matches any
 * character and nothing ends the match. So 1.1.1.1 drops not only 1.1.1.12 but 101.1.1.9 too.
 */
export function dropsLineOf(dst: string, other: string): boolean {
  if (other.length <= dst.length) return false;
  for (let at = 0; at < dst.length; at += 1) if (dst[at] !== '.' && dst[at] !== other[at]) return false;
  return true;
}
