import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOSTS, type HostName, KEYS, NETWORKS, type Pair, STATES, type State } from './pair.ts';

/** What an end of the tunnel is made of: its files, and what its kernel and racoon work with. */
export interface End {
  readonly verdict: State | 'between';
  readonly why: string;
}

/** Looks at one host as a person would who knows both states. */
export function endOf(root: string, host: HostName): End {
  const scripts = join(root, 'etc/sysconfig/network-scripts');
  const facts: Record<string, State | string> = {
    ifcfg: which(readOr(join(scripts, 'ifcfg-ipsec0')), NETWORKS),
    keys: which(readOr(join(scripts, 'keys-ipsec0')), KEYS),
    psk: which(readOr(join(root, 'etc/racoon/psk.txt')), KEYS),
    policies: policies(root),
    routes: which(readOr(join(root, 'var/lib/lab-kernel/routes')), PREFIXES),
    listed: readOr(join(root, 'etc/racoon/racoon.conf')).includes(
      `/etc/racoon/${host === 'a' ? '192.0.2.2' : '192.0.2.1'}.conf`,
    )
      ? 'yes'
      : 'no',
    racoon: existsSync(join(root, 'var/lib/lab-kernel/daemons/racoon')) ? 'yes' : 'no',
  };
  const why = Object.entries(facts)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
  const whole = facts.listed === 'yes' && facts.racoon === 'yes';
  const all = (state: State) => whole && PROVEN.every((name) => facts[name] === state);
  return { verdict: STATES.find(all) ?? 'between', why };
}

const PROVEN = ['ifcfg', 'keys', 'psk', 'policies', 'routes'];

export interface Verdict {
  readonly ends: Readonly<Record<HostName, End>>;
  readonly tunnel: State | 'mixed';
}

export function judge(pair: Pair): Verdict {
  const ends = Object.fromEntries(HOSTS.map((name) => [name, endOf(pair.hosts[name].root, name)])) as Record<
    HostName,
    End
  >;
  const [first, second] = HOSTS.map((name) => ends[name].verdict);
  const tunnel = first === second && first !== undefined && first !== 'between' ? first : 'mixed';
  return { ends, tunnel };
}

export function explain({ ends }: Verdict): string {
  return HOSTS.map((name) => `${name} ${ends[name].verdict} (${ends[name].why})`).join('; ');
}

function policies(root: string): string {
  const spd = readOr(join(root, 'var/lib/lab-kernel/spd')).trim();
  const lines = spd === '' ? [] : spd.split('\n');
  const ways = lines.map((line) => line.split('\t')[0]).sort();
  if (ways.join() !== 'fwd,in,out') return `partial:${ways.join()}`;
  const of = new Set(lines.map((line) => which(line, NETWORKS)));
  return of.size === 1 ? ([...of][0] ?? 'none') : [...of].join();
}

/** A file's state by what tells it from the others. On the end whose own network stays, each is named by the other end's. */
function which(text: string, marks: Readonly<Record<State, string>>): State | 'neither' | 'several' {
  const found = STATES.filter((state) => text.includes(marks[state]));
  return found.length > 1 ? 'several' : (found[0] ?? 'neither');
}

/** The route to the other network is by the own gateway, or it is the other network that has changed. */
const PREFIXES = Object.fromEntries(STATES.map((state) => [state, NETWORKS[state].replace('0/24', '')])) as Record<
  State,
  string
>;

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
