import { type Diagnostic, error, warning } from '../../../../lang/diagnostic.ts';
import { sortNaturally } from '../../../../model/natural-order.ts';
import type { Tunnel } from '../../../../model/tunnel.ts';
import type { Imported, ImportedHost, KnownInventory } from '../../backend.ts';
import { RACOON_CONF } from '../paths.ts';
import { agree } from './agree.ts';
import { destinationOf, type EndSeen, readEnd } from './end.ts';
import { hostFindings, unreadFindings } from './host-findings.ts';
import type { ConnectionSeen, HostSeen } from './host-seen.ts';
import { knownEnds } from './known-ends.ts';
import { type LeftOut, matchEnds } from './match-ends.ts';
import { placeOn } from './place.ts';
import { optionsOf, saysTheSame } from './racoon-settings.ts';
import { runningFindings } from './running.ts';
import { standsAsWanted } from './stands.ts';
import { tunnelOf } from './tunnel-of.ts';
import { weaknesses } from './weaknesses.ts';

const NOTHING: KnownInventory = { tunnels: [], addresses: new Map(), options: () => [] };

/** The connections of all hosts as tunnels: each with its other end, or with an external peer. */
export function pairEnds(hosts: readonly ImportedHost<HostSeen>[], inventory: KnownInventory = NOTHING): Imported {
  const known = knownEnds(hosts, inventory.tunnels);
  const findings: Diagnostic[] = [...known.findings];
  const options = new Map<string, object | null>();
  const ends: EndSeen[] = [];
  const left: LeftOut[] = known.ends.map(({ host, connection, tunnel }) => ({
    host,
    nickname: connection.nickname,
    dst: destinationOf(connection),
    tunnel,
  }));
  for (const { name, seen } of hosts) {
    const isKnown = (each: ConnectionSeen) => known.ends.some(({ connection }) => connection === each);
    const read = readEnds(name, seen, isKnown, findings, left);
    const usable = racoonOf(name, seen, read, inventory, options, findings);
    findings.push(...unreadFindings(name, seen));
    ends.push(...usable);
    for (const { host, connection, dst } of read.filter((end) => !usable.includes(end)))
      left.push({ host, nickname: connection.nickname, dst });
  }
  const addresses = new Map(hosts.map((host) => [host.name, addressesOf(host, ends)]));
  const names = new Set(inventory.tunnels.map(({ name }) => name));
  const kept: EndSeen[] = [];
  const tunnels: Tunnel[] = [];
  for (const [a, b] of matchEnds(ends, addresses, { left, elsewhere: inventory.addresses }, findings)) {
    const differing = b === null ? [] : agree(a, b);
    findings.push(...differing);
    if (differing.length > 0) continue;
    const { tunnel, findings: told } = tunnelOf(a, b, hosts, names);
    const stands = [a, b].flatMap((end, index) => (end ? standsAsWanted(tunnel, index as 0 | 1, end) : []));
    findings.push(...told, ...stands);
    if (stands.some(({ severity }) => severity === 'error')) continue;
    findings.push(...weaknesses(tunnel, a));
    names.add(tunnel.name);
    tunnels.push(tunnel);
    kept.push(a, ...(b ? [b] : []));
  }
  for (const { name, seen } of hosts) {
    const own = kept.filter(({ host }) => host === name);
    if (own.length > 0) findings.push(...hostFindings(name, seen, own));
    const others = left.filter(({ host }) => host === name).map(({ dst }) => dst);
    findings.push(
      ...runningFindings(
        name,
        seen,
        ends.filter(({ host }) => host === name),
        others,
      ),
    );
  }
  return {
    tunnels: sortNaturally(tunnels, ({ name }) => name),
    ...shared(options),
    findings,
    known: known.tunnels,
  };
}

function readEnds(
  host: string,
  seen: HostSeen,
  isKnown: (connection: ConnectionSeen) => boolean,
  findings: Diagnostic[],
  left: LeftOut[],
): readonly EndSeen[] {
  return seen.connections.flatMap((connection) => {
    if (isKnown(connection)) return [];
    const { nickname } = connection;
    const isHidden = seen.unreadable.some((path) => path.endsWith(`/keys-${nickname}`));
    const end = readEnd(host, seen, connection);
    if (end === null) return [];
    if ('dst' in end && !isHidden) return [end];
    // That it may not be read is told of the file.
    if (!('dst' in end) && !isHidden) findings.push(...end);
    left.push({ host, nickname, dst: destinationOf(connection) });
    return [];
  });
}

/** racoon.conf is one for all connections of the host that negotiate: where it cannot be expressed, they are left out. */
function racoonOf(
  host: string,
  { racoonConf }: HostSeen,
  ends: readonly EndSeen[],
  inventory: KnownInventory,
  options: Map<string, object | null>,
  findings: Diagnostic[],
): readonly EndSeen[] {
  if (racoonConf === null || ends.every(({ keying }) => keying.method === 'manual')) return ends;
  const read = optionsOf(racoonConf);
  if ('options' in read) {
    if (inventory === NOTHING) options.set(host, read.options);
    else if (!saysTheSame(racoonConf, inventory.options(host)))
      findings.push(
        warning('import-pending', `racoon.conf of ${host} will change: the inventory has other options for it`, {
          span: placeOn(host, RACOON_CONF),
          fix: `look at it with ipsec-play check; as it is now, it is racoon: ${JSON.stringify(read.options ?? {})}`,
        }),
      );
    return ends;
  }
  const left = ends.filter(({ keying }) => keying.method !== 'manual').map(({ connection }) => connection.nickname);
  const message = `racoon.conf of ${host} says what no option of ipsec-play says, so its connections with IKE are left out: ${left.join(', ')}`;
  const fix =
    'see "racoon options" in docs/inventory.md for what there is; take this out of the file, and import again';
  findings.push(
    error('import-racoon-conf', message, { span: placeOn(host, RACOON_CONF, racoonConf, read.unknownAt), fix }),
  );
  return ends.filter(({ keying }) => keying.method === 'manual');
}

/** All by which others may know the host. */
function addressesOf({ name, address, seen }: ImportedHost<HostSeen>, ends: readonly EndSeen[]): ReadonlySet<string> {
  const sources = ends.flatMap(({ host, src }) => (host === name && src !== null ? [src] : []));
  return new Set([...seen.addresses.map((each) => each.address), ...(address === null ? [] : [address]), ...sources]);
}

/** What all hosts say alike is said once. */
function shared(options: ReadonlyMap<string, object | null>): Pick<Imported, 'options' | 'hostOptions'> {
  const texts = new Set([...options.values()].map((each) => JSON.stringify(each)));
  const [first] = options.values();
  if (texts.size === 1 && first) return { options: first, hostOptions: new Map() };
  return {
    options: null,
    hostOptions: new Map([...options].flatMap(([host, each]) => (each ? [[host, each] as const] : []))),
  };
}
