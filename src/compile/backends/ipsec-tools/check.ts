import { type Diagnostic, error, warning } from '../../../lang/diagnostic.ts';
import type { Secret } from '../../../model/secret.ts';
import { type Perspective, perspectives, type Tunnel } from '../../../model/tunnel.ts';
import { isUnopened } from '../../../model/unopened.ts';
import { manualKeyObstacle, pskObstacle } from './carriable.ts';
import { phase1Of, samePhase1 } from './phase1.ts';
import { dropsLineOf } from './psk.ts';

/** What the network scripts, setkey and racoon cannot carry of these tunnels, or carry with a trap. */
export function check(tunnels: readonly Tunnel[]): readonly Diagnostic[] {
  const present = tunnels.filter(({ state }) => state === 'present');
  const byHost = endsByHost(present);
  return [...unique(present.flatMap(checkKeys)), ...byHost.flatMap(checkSharedPeers), ...checkPrefixes(byHost)];
}

/** The tunnels of a mesh share what is written once. */
function unique(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter(({ code, span }) => {
    const id = JSON.stringify([code, span]);
    return !seen.has(id) && seen.add(id);
  });
}

/** The managed ends, by their host. */
function endsByHost(tunnels: readonly Tunnel[]): readonly (readonly Perspective[])[] {
  const hosts = new Map<string, Perspective[]>();
  for (const end of tunnels.flatMap(perspectives)) {
    if (!end.src.managed) continue;
    const ends = hosts.get(end.src.host);
    if (ends) ends.push(end);
    else hosts.set(end.src.host, [end]);
  }
  return [...hosts.values()];
}

function checkKeys(tunnel: Tunnel): readonly Diagnostic[] {
  const { keying } = tunnel;
  if (keying.method === 'psk') {
    const obstacle = pskObstacle(keying.psk);
    if (obstacle === null) return [];
    const message = `the psk of tunnel ${tunnel.name} ${obstacle.why}`;
    return [error('psk-not-carriable', message, { span: tunnel.at('keying', 'psk'), fix: obstacle.fix })];
  }
  if (keying.method === 'x509') return [];
  return keying.sent.flatMap(({ ah, esp }, index) => {
    const host = tunnel.ends[index]?.host ?? '';
    const keys = [
      { path: ['ah', 'key'], key: ah?.key },
      { path: ['esp', 'key'], key: esp?.key },
      { path: ['esp', 'authentication_key'], key: esp?.authenticationKey },
    ];
    return keys.flatMap(({ path, key }) => {
      const obstacle = key === undefined ? null : manualKeyObstacle(key);
      if (obstacle === null) return [];
      const message = `the ${path.join(' ')} that ${host} sends with in ${tunnel.name} ${obstacle.why}`;
      return [
        error('manual-key-not-carriable', message, {
          span: tunnel.at('keying', 'manual', host, ...path),
          fix: obstacle.fix,
        }),
      ];
    });
  });
}

/** Tunnels of one host to one peer share the peer's phase 1 file and its psk line. */
function checkSharedPeers(ends: readonly Perspective[]): readonly Diagnostic[] {
  const first = new Map<string, Perspective>();
  return ends.flatMap((end) => {
    if (end.tunnel.keying.method === 'manual') return [];
    const other = first.get(end.dst.address);
    if (other !== undefined) return conflict(other, end);
    first.set(end.dst.address, end);
    return [];
  });
}

function conflict(one: Perspective, other: Perspective): readonly Diagnostic[] {
  const { host } = other.src;
  const where = `${one.tunnel.name} and ${other.tunnel.name} both lead from ${host} to ${other.dst.address}`;
  const related = [{ message: 'the other tunnel', span: one.tunnel.at('keying') }];
  const [a, b] = [one.tunnel.keying, other.tunnel.keying];
  if (a.method === 'psk' && b.method === 'psk' && differ(a.psk, b.psk)) {
    const fix = 'use one key for both: psk.txt has one line for each peer';
    return [
      error('peer-psk-differs', `${where}, with different keys`, { span: other.tunnel.at('keying'), related, fix }),
    ];
  }
  if (!samePhase1(phase1Of(one), phase1Of(other))) {
    const fix = `use the same keying and the same \`ike\` for both: ${other.dst.address}.conf is one file`;
    const span = other.tunnel.at('ike');
    return [error('peer-phase1-differs', `${where}, with different phase 1`, { span, related, fix })];
  }
  return [];
}

/** What was not opened may be the same. */
function differ(a: Secret, b: Secret): boolean {
  return !a.equals(b) && !isUnopened(a) && !isUnopened(b);
}

/** One warning for each address that makes ifup drop the lines of others, however many hosts it happens on. */
function checkPrefixes(byHost: readonly (readonly Perspective[])[]): readonly Diagnostic[] {
  const found = new Map<string, { end: Perspective; victims: Set<string>; hosts: Set<string> }>();
  const hosts = byHost.map((ends) => {
    const peers = new Map<string, Perspective>();
    for (const end of ends)
      if (end.tunnel.keying.method === 'psk' && !peers.has(end.dst.address)) peers.set(end.dst.address, end);
    return peers;
  });
  const victimsAmong = victimFinder(hosts.map((peers) => [...peers.keys()]));
  for (const peers of hosts) {
    for (const [address, end] of peers) {
      const victims = victimsAmong(address, peers);
      if (victims.length === 0) continue;
      const entry = found.get(address) ?? { end, victims: new Set(), hosts: new Set() };
      for (const victim of victims) entry.victims.add(victim);
      entry.hosts.add(end.src.host);
      found.set(address, entry);
    }
  }
  return [...found].map(([address, { end, victims, hosts }]) => {
    const message = `on RHEL 4 and 5, ifup for ${address} drops the psk.txt lines of ${some(victims)} (on ${some(hosts)})`;
    const fix = 'ipsec-play puts them back after each of its own runs; at boot only other addresses help';
    return warning('address-prefix', message, { span: end.tunnel.at('ends', end.dst.host, 'address'), fix });
  });
}

/** Which of a host's peers lose their lines. In a mesh each host asks about the same pairs: there each is compared once. */
function victimFinder(
  lists: readonly (readonly string[])[],
): (address: string, peers: ReadonlyMap<string, unknown>) => readonly string[] {
  const all = [...new Set(lists.flat())];
  const pairs = lists.reduce((sum, { length }) => sum + length ** 2, 0);
  if (all.length ** 2 >= pairs)
    return (address, peers) => [...peers.keys()].filter((other) => dropsLineOf(address, other));
  const known = new Map(all.map((address) => [address, all.filter((other) => dropsLineOf(address, other))]));
  return (address, peers) => (known.get(address) ?? []).filter((other) => peers.has(other));
}

function some(names: ReadonlySet<string>): string {
  const list = [...names];
  return list.length <= 3 ? list.join(', ') : `${list.slice(0, 3).join(', ')} and ${list.length - 3} more`;
}
