import { globRegex } from '../inventory/glob.ts';
import type { Tunnel } from '../model/tunnel.ts';

/** The tunnels that names and globs (`lana-*`, `gw?-hq`, `gw[12]-*`) choose, and the patterns that choose none. */
export function selectTunnels(
  tunnels: readonly Tunnel[],
  patterns: readonly string[],
): { readonly selected: ReadonlySet<Tunnel>; readonly unmatched: readonly string[] } {
  const selected = new Set<Tunnel>();
  const unmatched: string[] = [];
  for (const pattern of patterns) {
    const matches = matcher(pattern);
    const found = tunnels.filter(({ name }) => matches(name));
    for (const tunnel of found) selected.add(tunnel);
    if (found.length === 0 && pattern !== 'all') unmatched.push(pattern);
  }
  return { selected, unmatched };
}

function matcher(pattern: string): (name: string) => boolean {
  if (pattern === 'all') return () => true;
  if (!/[*?[]/.test(pattern)) return (name) => name === pattern;
  const expression = globRegex(pattern);
  return (name) => expression?.test(name) ?? false;
}
