import {
  connectionVariables,
  type OwnConnection,
  sameConnection,
  trafficOf,
} from '../../../../modules/shared/connection-files.ts';
import { keysSum, MADE_CONNECTIONS, MADE_PEERS } from '../../../../modules/shared/made.ts';
import { PASSED_OVER } from '../../../../modules/shared/other-connections.ts';
import { path, sh } from '../../../engine/sh.ts';
import { Secret } from '../../../model/secret.ts';
import { parseSubnet } from '../../../model/subnet.ts';
import type { End, Keying, Perspective, Tunnel } from '../../../model/tunnel.ts';
import type { BackendTask, Leftover, Leftovers } from '../backend.ts';
import { IFUP_IPSEC } from './paths.ts';
import { racoonOptions } from './racoon-options.ts';
import { removeEnd } from './removal.ts';

/** What there is on a host: files by name, their lines. */
interface Seen {
  /** Which boot of which kernel, and which folder there: containers have one kernel among them. Null: nobody knows. */
  readonly machine: string | null;
  /** By nickname: what is remembered of those that were created by us. */
  readonly made: ReadonlyMap<string, readonly string[]>;
  /** By address: what of a peer is ours. */
  readonly peers: ReadonlyMap<string, readonly string[]>;
  /** Every ifcfg file, by nickname. */
  readonly connections: ReadonlyMap<string, readonly string[]>;
  /** Of the keys files beside those that we created: a checksum, by nickname. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
}

const BASE = MADE_CONNECTIONS.split('/').slice(0, 4).join('/');
const SCRIPTS = IFUP_IPSEC.slice(0, IFUP_IPSEC.lastIndexOf('/'));

export const leftovers: Leftovers<Seen> = {
  // A line is `KIND NAME:LINE`: no name holds a colon. Of what is not ours no more than whom it leads to.
  look: sh`(
exec </dev/null 2>/dev/null
if [ -d ${path(BASE)} ] && { [ ! -r ${path(BASE)} ] || [ ! -x ${path(BASE)} ]; }; then echo denied; exit 0; fi
if [ -d ${path(BASE)} ]; then
  ip_w=; [ ! -r /proc/sys/kernel/random/boot_id ] || IFS= read -r ip_w </proc/sys/kernel/random/boot_id
  [ -z "$ip_w" ] || ls -di ${path(BASE)} | { read -r inode rest; echo "machine $ip_w $inode"; }
fi
${keysSum}whole() { sed "s|^|$1 $2:|" "$2"; }
for kind in made peer; do
  folder=${path(MADE_CONNECTIONS)}; [ $kind = made ] || folder=${path(MADE_PEERS)}
  (cd "$folder" && for f in *; do [ ! -f "$f" ] || whole $kind "$f"; done)
done
cd ${path(SCRIPTS)} && for f in ifcfg-*; do
  [ -f "$f" ] || continue
  if [ -f ${path(MADE_CONNECTIONS)}/"\${f#ifcfg-}" ]; then
    whole file "$f"
    k=keys-\${f#ifcfg-}
    [ ! -f "$k" ] || echo "keys $k:$(keys_sum "$k")"
  else grep -E '^[[:blank:]]*(export[[:blank:]]+)?(TYPE|SRC|DST|SRCNET|DSTNET)=' "$f" | sed "s|^|file $f:|"; fi
done
)
`,
  read: (stdout) => {
    if (stdout.startsWith('denied\n')) return null;
    const kinds: Record<'made' | 'peer' | 'file' | 'keys', Map<string, string[]>> = {
      made: new Map(),
      peer: new Map(),
      file: new Map(),
      keys: new Map(),
    };
    for (const line of stdout.split('\n')) {
      const [, kind, name = '', text = ''] = /^(made|peer|file|keys) ([^:]+):(.*)$/.exec(line) ?? [];
      if (kind === undefined) continue;
      const key = name.replace(/^(ifcfg|keys)-/, '');
      if (kind === 'file' && PASSED_OVER.test(key)) continue;
      const known = kinds[kind as keyof typeof kinds];
      known.set(key, [...(known.get(key) ?? []), text]);
    }
    const machine = /^machine (.*)$/m.exec(stdout)?.[1] ?? null;
    return { machine, made: kinds.made, peers: kinds.peer, connections: kinds.file, keys: kinds.keys };
  },
  // Images of one origin can have the same numbers, but not the same records.
  machine: ({ machine, made }) => (machine === null ? null : JSON.stringify([machine, ...made])),
  find: (seen, host, ends, options) => {
    const named = new Set(ends.map(({ src }) => src.nickname));
    const gone = [...seen.made].flatMap(([nickname, lines]) =>
      named.has(nickname) ? [] : (recordOf(nickname, lines) ?? []),
    );
    const staying = [...ends, ...foreignEnds(seen, host, new Set([...named, ...gone.map(({ nickname }) => nickname)]))];
    // Of several to one peer the last takes with it what they share.
    return gone.map((record, index) => {
      const later = gone.slice(index + 1).map((other) => endOf(other, host, 'present'));
      return leftover(record, host, seen, [...staying, ...later], options);
    });
  },
};

interface Made {
  readonly nickname: string;
  readonly tunnel: string;
  readonly other: string;
  readonly keying: string;
  readonly peer: string;
  readonly ifcfg: OwnConnection;
  /** The checksum of its keys file; a record of an earlier version has none. */
  readonly keysSum?: string | undefined;
}

/** Undefined where it is cut short: then nobody can tell what was created. */
function recordOf(nickname: string, lines: readonly string[]): Made | undefined {
  const word = (name: string) => lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
  const [tunnel, other, keying, peer] = ['tunnel', 'other', 'keying', 'peer'].map(word);
  if (tunnel === undefined || other === undefined || keying === undefined || peer === undefined) return undefined;
  const text = lines.flatMap((line) => (line.startsWith('ifcfg ') ? [`${line.slice(6)}\n`] : [])).join('');
  return { nickname, tunnel, other, keying, peer, ifcfg: connectionVariables([text]), keysSum: word('keys') };
}

function leftover(
  record: Made,
  host: string,
  { connections, peers, keys }: Seen,
  staying: readonly Perspective[],
  options: readonly unknown[],
): Leftover {
  const { nickname, tunnel, other, peer } = record;
  const found = connections.get(nickname);
  const kept = reasonToKeep(record, found, connections) ?? changedKeys(record, keys.get(nickname)?.[0]);
  const shared = peers.get(peer) ?? [];
  const psk = shared.find((line) => line.startsWith('psk '))?.slice(4);
  const configured = racoonOptions(options);
  const paths = { ...configured.paths, ...(psk === undefined ? {} : { pre_shared_key: psk }) };
  const isOurs = ({ key }: BackendTask) => {
    if (key.endsWith('/psk')) return psk !== undefined;
    if (/\/(peer-conf|include)$/.test(key)) return shared.some((line) => line.startsWith('conf '));
    return true;
  };
  const tasks = removeEnd(endOf(record, host, 'absent'), staying, { ...configured, paths }).filter(isOurs);
  return { tunnel, nickname, other, kept, tasks: kept === null ? tasks : [] };
}

/** It is not what was created any more, or taking it down would take somebody else's with it. */
function reasonToKeep(
  { nickname, ifcfg }: Made,
  found: readonly string[] | undefined,
  connections: Seen['connections'],
): string | null {
  if (found !== undefined && !sameConnection(connectionVariables([`${found.join('\n')}\n`]), ifcfg)) {
    return `ifcfg-${nickname} is not as it was written: somebody has changed it since`;
  }
  const own = trafficOf(ifcfg);
  for (const [other, lines] of connections) {
    if (other === nickname) continue;
    const theirs = connectionVariables([`${lines.join('\n')}\n`]);
    const traffic = isIpsec(theirs.variables) ? trafficOf(theirs) : null;
    if (own === null || own === 'computed' || traffic === null || traffic === 'computed') continue;
    if (traffic.peer === own.peer && traffic.destination === own.destination)
      return `ifcfg-${other} is for the same traffic, which ifdown ${nickname} would leave unprotected`;
  }
  return null;
}

/** Made anew by somebody else, its ifcfg file can be the same; its key is not. */
function changedKeys({ nickname, keysSum: written }: Made, found: string | undefined): string | null {
  if (written === undefined || found === undefined || found === written) return null;
  return `keys-${nickname} is not as it was written: somebody has changed it since`;
}

/** Connections of others, as ends that stay: what they need of a peer stays, too. Nobody knows how they are keyed. */
function foreignEnds({ connections }: Seen, host: string, ours: ReadonlySet<string>): readonly Perspective[] {
  return [...connections].flatMap(([nickname, lines]) => {
    const { variables } = connectionVariables([`${lines.join('\n')}\n`]);
    const peer = variables.get('DST');
    if (ours.has(nickname) || typeof peer !== 'string' || !isIpsec(variables)) return [];
    const ifcfg = { variables, hasCommands: false };
    return [endOf({ nickname, tunnel: nickname, other: peer, keying: 'psk', peer, ifcfg }, host, 'present')];
  });
}

function isIpsec(variables: OwnConnection['variables']): boolean {
  return variables.get('TYPE')?.trim().toUpperCase() === 'IPSEC';
}

/** An end as the inventory would have it, as far as its removal asks. */
function endOf(
  { nickname, tunnel, other, keying, peer, ifcfg }: Made,
  host: string,
  state: Tunnel['state'],
): Perspective {
  const value = (name: string) => ifcfg.variables.get(name) ?? undefined;
  const [network, across] = ['SRCNET', 'DSTNET'].map((name) => subnetOf(value(name)));
  const routed = network !== undefined && across !== undefined;
  const src: End = { host, managed: true, nickname, address: value('SRC') ?? '', ...(routed ? { network } : {}) };
  const dst: End = { host: other, managed: false, nickname, address: peer, ...(routed ? { network: across } : {}) };
  const nowhere = { file: '', line: 1, column: 1, endLine: 1, endColumn: 1 };
  const made: Tunnel = {
    name: tunnel,
    type: routed ? 'network-to-network' : 'host-to-host',
    ends: [src, dst],
    keying: keyingOf(keying),
    ike: {},
    esp: {},
    ah: {},
    onboot: false,
    state,
    at: () => nowhere,
  };
  return { tunnel: made, src, dst, index: 0 };
}

function keyingOf(method: string): Keying {
  if (method === 'manual') return { method, sent: [{}, {}] };
  if (method === 'x509') return { method, certificates: ['', ''], peer: 'file' };
  return { method: 'psk', psk: new Secret('') };
}

function subnetOf(text: string | undefined) {
  const parsed = text === undefined ? undefined : parseSubnet(text);
  return parsed === undefined || 'fault' in parsed ? undefined : parsed;
}
