import { type Diagnostic, warning } from '../../lang/diagnostic.ts';
import { reveal } from '../../model/secret.ts';
import type { Span } from '../../model/span.ts';
import type { Tunnel } from '../../model/tunnel.ts';
import { isUnopened } from '../../model/unopened.ts';

/**
 * One psk for several pairs of hosts: whoever breaks into one of them can pose as all others. Tunnels of one host to one
 * address share a line of psk.txt, and must have one key.
 */
export function sharedPsks(tunnels: readonly Tunnel[]): readonly Diagnostic[] {
  const byKey = new Map<string, Tunnel[]>();
  for (const tunnel of tunnels) {
    if (tunnel.keying.method !== 'psk' || tunnel.state !== 'present' || isUnopened(tunnel.keying.psk)) continue;
    const key = reveal(tunnel.keying.psk);
    const sharing = byKey.get(key);
    if (sharing === undefined) byKey.set(key, [tunnel]);
    else sharing.push(tunnel);
  }
  return [...byKey.values()].flatMap((sharing) => (mustShare(sharing) ? [] : [diagnose(sharing)]));
}

function diagnose(sharing: readonly Tunnel[]): Diagnostic {
  const places = new Map<string, { readonly span: Span; readonly tunnels: Tunnel[] }>();
  for (const tunnel of sharing) {
    const span = tunnel.at('keying', 'psk');
    const id = `${span.file}:${span.line}:${span.column}`;
    const place = places.get(id) ?? { span, tunnels: [] };
    place.tunnels.push(tunnel);
    places.set(id, place);
  }
  const [first, ...others] = [...places.values()];
  const names = sharing.map(({ name }) => name);
  if (!first) throw new Error('a shared key without a place');
  const oneEntry = others.length === 0;
  const message = oneEntry
    ? `this one psk serves ${sharing.length} tunnels between different hosts: ${some(names)}`
    : `${some(names)} have the same psk, between different hosts`;
  return warning('secret-shared', message, {
    span: first.span,
    fix: oneEntry
      ? 'psk: { derive: ... }, which gives each pair of hosts a key of its own'
      : `ipsec-play keygen ${names.slice(0, 3).join(' ')}${names.length > 3 ? ' ...' : ''} --force, for a key each`,
    ...(oneEntry
      ? {}
      : { related: others.map(({ span, tunnels }) => ({ message: some(tunnels.map(({ name }) => name)), span })) }),
  });
}

/** Whether all of them can only have one key: from one of them all others are reached, by lines of psk.txt that they share. */
function mustShare(tunnels: readonly Tunnel[]): boolean {
  const byLine = new Map<string, Tunnel[]>();
  for (const tunnel of tunnels) {
    for (const line of linesOf(tunnel)) {
      const others = byLine.get(line);
      if (others === undefined) byLine.set(line, [tunnel]);
      else others.push(tunnel);
    }
  }
  // A set is gone through to its end, however it grows meanwhile.
  const reached = new Set(tunnels.slice(0, 1));
  for (const tunnel of reached) {
    for (const line of linesOf(tunnel)) {
      for (const other of byLine.get(line) ?? []) reached.add(other);
      byLine.delete(line);
    }
  }
  return reached.size === tunnels.length;
}

/** The lines of psk.txt that it takes, and its pair of hosts, which have one key whatever their addresses. */
function linesOf(tunnel: Tunnel): readonly string[] {
  const [a, b] = tunnel.ends;
  return [`${a.host} ${b.address}`, `${b.host} ${a.address}`, [a.host, b.host].sort().join(' and ')];
}

function some(names: readonly string[]): string {
  return names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}
