import { type Diagnostic, warning } from '../../lang/diagnostic.ts';
import { reveal } from '../../model/secret.ts';
import type { Span } from '../../model/span.ts';
import { perspectives, type Tunnel } from '../../model/tunnel.ts';
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
  return [...byKey.values()].flatMap((sharing) => {
    if (sharing.length < 2) return [];
    const groups = mustShare(sharing);
    return groups.length < 2 ? [] : [diagnose(sharing)];
  });
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

/** The tunnels in groups, each of which can only have one key. */
function mustShare(tunnels: readonly Tunnel[]): readonly ReadonlySet<Tunnel>[] {
  const groups = new Map<string, Set<Tunnel>>();
  for (const tunnel of tunnels) {
    const ids = peersOf(tunnel);
    const merged = new Set([tunnel, ...ids.flatMap((id) => [...(groups.get(id) ?? [])])]);
    for (const id of [...merged].flatMap(peersOf)) groups.set(id, merged);
  }
  return [...new Set(groups.values())];
}

function peersOf(tunnel: Tunnel): readonly string[] {
  const seen = perspectives(tunnel).map(({ src, dst }) => JSON.stringify([src.host, dst.address]));
  return [...seen, JSON.stringify(tunnel.ends.map(({ host }) => host).sort())];
}

function some(names: readonly string[]): string {
  return names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}
