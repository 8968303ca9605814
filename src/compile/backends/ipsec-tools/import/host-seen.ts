import { type Policy, policyTable } from '../../../../../modules/shared/policies.ts';
import { pskLines } from '../../../../../modules/shared/psk-lines.ts';
import { Secret } from '../../../../model/secret.ts';
import { RACOON_CONF, SYSCTL_CONF } from '../paths.ts';
import { type Association, parseAssociations } from '../proof/associations.ts';
import { type Proposal, parsePhase1 } from '../proof/racoon-settings.ts';

/** What was seen of one host. Files that may hold keys are secret as a whole. */
export interface HostSeen {
  readonly hostname: string | null;
  readonly hasScripts: boolean;
  readonly hasPackage: boolean;
  readonly connections: readonly ConnectionSeen[];
  /** Names of keys files without an ifcfg file. */
  readonly orphans: readonly string[];
  /** Paths of files that may not be read. */
  readonly unreadable: readonly string[];
  readonly racoonConf: string | null;
  /** By peer: the first line counts. null: there is no psk.txt. */
  readonly psks: ReadonlyMap<string, Secret> | null;
  /** Peers that psk.txt has more than one line for. */
  readonly repeated: ReadonlySet<string>;
  readonly pskMode: number;
  /** By peer: what ifup wrote into DST.conf. */
  readonly phase1: ReadonlyMap<string, readonly Proposal[]>;
  readonly sysctl: string;
  /** In the kernel; null: not known. */
  readonly forwarding: boolean | null;
  readonly addresses: readonly { readonly address: string; readonly prefix: number }[];
  /** null: setkey -DP did not answer. */
  readonly policies: readonly Policy[] | null;
  readonly associations: readonly Association[];
}

export interface ConnectionSeen {
  readonly nickname: string;
  readonly ifcfg: FileSeen;
  readonly keys: FileSeen | null;
}

export interface FileSeen {
  readonly path: string;
  readonly mode: number;
  readonly text: Secret;
}

/** Reads what the script printed; null where it did not come to its end. */
export function readHost(stdout: string): HostSeen | null {
  const pieces = cut(stdout);
  if (!pieces.some(({ head }) => head === 'end')) return null;
  const said = (name: string) => pieces.filter(({ head }) => head === name).map(({ text }) => text.replace(/\n+$/, ''));
  const files = new Map(
    pieces.flatMap(({ head, text }) => {
      const [, mode, name] = /^file ([0-7]+) (.+)$/.exec(head) ?? [];
      return name === undefined ? [] : [[name, { path: name, mode: Number.parseInt(mode ?? '', 8), text }] as const];
    }),
  );
  const secret = (name: string): FileSeen | null => {
    const file = files.get(name);
    return file === undefined ? null : { ...file, text: Secret.around(file.text) };
  };
  const psk = files.get('psk');
  const [policies = ''] = said('policies');
  const table = policyTable(policies, 0);
  const forwarding = said('forwarding').join('');
  return {
    hostname: said('hostname').join('') || null,
    hasScripts: said('scripts').join('') !== '',
    hasPackage: said('package').join('') !== '',
    connections: [...files.keys()].flatMap((name): readonly ConnectionSeen[] => {
      const nickname = /^\/etc\/sysconfig\/network-scripts\/ifcfg-(.+)$/.exec(name)?.[1];
      const ifcfg = nickname === undefined ? null : secret(name);
      if (nickname === undefined || ifcfg === null) return [];
      return [{ nickname, ifcfg, keys: secret(`/etc/sysconfig/network-scripts/keys-${nickname}`) }];
    }),
    orphans: said('orphan'),
    unreadable: pieces.flatMap(({ head }) => /^unreadable - (.+)$/.exec(head)?.[1] ?? []),
    racoonConf: files.get(RACOON_CONF)?.text ?? null,
    psks: psk === undefined ? null : pskMap(psk.text),
    repeated: new Set(repeatedIn(pskLines(psk?.text ?? '').flatMap(({ peer }) => peer ?? []))),
    pskMode: psk?.mode ?? 0o600,
    phase1: new Map(
      [...files].flatMap(([name, { text }]) => {
        const peer = /^\/etc\/racoon\/(\d[\d.]*)\.conf$/.exec(name)?.[1];
        return peer === undefined ? [] : [[peer, parsePhase1(text.replaceAll(/#[^\n]*/g, ''))] as const];
      }),
    ),
    sysctl: files.get(SYSCTL_CONF)?.text ?? '',
    forwarding: /^\d+$/.test(forwarding) ? forwarding !== '0' : null,
    addresses: [
      ...said('addresses')
        .join('\n')
        .matchAll(/\binet (\d+(?:\.\d+){3})\/(\d+)/g),
    ]
      .map(([, address = '', prefix]) => ({ address, prefix: Number(prefix) }))
      .filter(({ address }) => !address.startsWith('127.')),
    policies: table.kind === 'known' ? table.policies : null,
    associations: parseAssociations(said('associations').join('\n')),
  };
}

interface Piece {
  readonly head: string;
  readonly text: string;
}

function cut(stdout: string): readonly Piece[] {
  const pieces: { head: string; text: string }[] = [];
  for (const line of stdout.split('\n')) {
    const last = pieces.at(-1);
    if (!line.startsWith('\t')) {
      if (line !== '') pieces.push({ head: line, text: '' });
    } else if (last) last.text += `${line.slice(1)}\n`;
  }
  return pieces;
}

function pskMap(text: string): ReadonlyMap<string, Secret> {
  const found = new Map<string, Secret>();
  for (const { peer, key } of pskLines(text)) if (peer !== null && !found.has(peer)) found.set(peer, new Secret(key));
  return found;
}

function repeatedIn(peers: readonly string[]): readonly string[] {
  return peers.filter((peer, index) => peers.indexOf(peer) !== index);
}
