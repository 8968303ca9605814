import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serve } from '../../src/lab/attach.ts';
import { startLab } from '../../src/lab/lab.ts';
import { endProcesses, processesOf } from '../../src/lab/processes.ts';
import type { Target } from '../../src/model/host.ts';
import { ipsecPlay, type Ran, type Running } from './command-line.ts';
import { type Tripwire, tripwireOn } from './tripwire.ts';
import { type Wire, wireTo } from './wire.ts';

export const HOSTS = ['a', 'b'] as const;
export type HostName = (typeof HOSTS)[number];
export type Scenario = 'tunnel' | 'network-restart' | 'taken-back' | 'package-first' | 'package-last';

/** What both ends of the tunnel are in: what was, what is applied, and what a second operator applies. */
export type State = 'old' | 'new' | 'other';
export const STATES: readonly State[] = ['old', 'new', 'other'];

/** Two hosts with a tunnel between them, served over SSH by this process, worked on by others. */
export interface Pair {
  readonly dir: string;
  /** Seconds, of the applies that `start` makes. */
  readonly confirmTimeout: number;
  readonly hosts: Readonly<Record<HostName, PairHost>>;
  /** Both are again as they were with the old inventory. */
  reset(): Promise<void>;
  /** An apply whose hosts have little patience. */
  start(scenario: Scenario): Running;
  /** One whose hosts have as much as there is by default. */
  apply(scenario: Scenario, args?: readonly string[]): Promise<Ran>;
  /** The same by a second operator, who wants another state. */
  applyOther(scenario: Scenario): Promise<Ran>;
  /** Which runs have moved files of the hosts into place, one after the other. */
  swaps(): readonly string[];
  check(scenario: Scenario): Promise<Ran>;
  close(): Promise<void>;
}

export interface PairHost {
  readonly root: string;
  readonly installed: string;
  readonly wire: Wire;
  readonly tripwire: Tripwire;
  reboot(): Promise<void>;
  /** The numbers of what runs on it. */
  processes(): readonly number[];
}

/** Prepares, once, what all pairs begin with. */
export async function prepareTemplate(cli: string, dir: string): Promise<string> {
  mkdirSync(dir, { recursive: true });
  writeProject(dir, 'old');
  const ran = await ipsecPlay(cli, dir, ['apply', 'tunnel.yml', '--yes', '--no-verify', '--lab=lab', '--no-diff'])
    .ended;
  if (ran.code !== 0) throw new Error(`the old state cannot be made: ${ran.stdout}${ran.stderr}`);
  return dir;
}

export async function openPair(cli: string, template: string, dir: string, confirmTimeout: number): Promise<Pair> {
  rmSync(dir, { recursive: true, force: true });
  await promisify(execFile)('cp', ['-a', template, dir]);
  writeProject(dir, 'new');
  const top = join(dir, 'lab');
  const other = `${dir}-other`;
  writeProject(other, 'other');
  const swaps = join(top, 'swaps');
  const lab = await startLab({
    directory: top,
    hosts: HOSTS.map((name) => ({ name, addresses: [ADDRESS[name]] })),
  });
  const wires = await Promise.all(HOSTS.map((name) => wireTo(lab.target(anyTarget(name)).port ?? 0)));
  const hosts = Object.fromEntries(
    HOSTS.map((name, index) => {
      const folder = join(top, name);
      const root = join(folder, 'root');
      const installed = join(folder, 'installed');
      const host: PairHost = {
        root,
        installed,
        wire: wires[index] as Wire,
        tripwire: tripwireOn(installed, join(top, '.programs'), swaps),
        reboot: () => lab.reboot(name),
        processes: () => processesOf(root),
      };
      return [name, host];
    }),
  ) as Record<HostName, PairHost>;

  const keys = readFileSync(lab.knownHostsFile, 'utf8').trim().split('\n');
  const knownHostsFile = join(top, 'known_hosts_wired');
  writeFileSync(
    knownHostsFile,
    HOSTS.map((name, index) => `${keys[index]?.replace(/^\S+/, `[127.0.0.1]:${hosts[name].wire.port}`)}\n`).join(''),
  );
  serve(top, {
    programs: join(top, '.programs'),
    identityFile: lab.identityFile,
    knownHostsFile,
    hosts: Object.fromEntries(HOSTS.map((name) => [name, { root: hosts[name].root, port: hosts[name].wire.port }])),
  });
  const start = (scenario: Scenario, args: readonly string[] = [], project = dir) =>
    ipsecPlay(cli, project, [
      ...['apply', `${scenario}.yml`, '--yes', '--no-verify', `--lab=${top}`, '--no-diff', '--output', 'json', ...args],
    ]);
  return {
    dir,
    confirmTimeout,
    hosts,
    reset: async () => {
      for (const name of HOSTS) {
        const { root, wire, tripwire } = hosts[name];
        wire.mend();
        endProcesses(root);
        tripwire.set('nowhere');
        rmSync(root, { recursive: true, force: true });
      }
      rmSync(swaps, { force: true });
      await Promise.all(
        HOSTS.map((name) => promisify(execFile)('cp', ['-a', join(template, 'lab', name, 'root'), hosts[name].root])),
      );
    },
    start: (scenario) => start(scenario, ['--confirm-timeout', String(confirmTimeout)]),
    apply: (scenario, args) => start(scenario, args).ended,
    applyOther: (scenario) => start(scenario, [], other).ended,
    swaps: () => readOr(swaps).split('\n').filter(Boolean),
    check: (scenario) => ipsecPlay(cli, dir, ['check', `${scenario}.yml`, '--lab=lab', '--output', 'json']).ended,
    close: async () => {
      for (const name of HOSTS) endProcesses(hosts[name].root);
      await Promise.all(wires.map((wire) => wire.close()));
      await lab.stop();
      rmSync(dir, { recursive: true, force: true });
      rmSync(other, { recursive: true, force: true });
    },
  };
}

const ADDRESS: Readonly<Record<HostName, string>> = { a: '192.0.2.1', b: '192.0.2.2' };

function anyTarget(name: string): Target {
  return { name } as Target;
}

export const KEYS = { old: 'Old_Key_01', new: 'New_Key_02', other: 'Other_Key_03' } as const;
export const NETWORKS = { old: '192.168.1.0/24', new: '192.168.9.0/24', other: '192.168.7.0/24' } as const;

function writeProject(dir: string, state: State): void {
  const gateway = NETWORKS[state].replace('.0/24', '.254');
  mkdirSync(join(dir, 'inventory'), { recursive: true });
  writeFileSync(
    join(dir, 'inventory/hosts.yml'),
    `all:\n  hosts:\n    a: { ansible_host: ${ADDRESS.a} }\n    b: { ansible_host: ${ADDRESS.b} }\n  vars:\n    ansible_user: root\n`,
  );
  writeFileSync(
    join(dir, 'inventory/tunnels.yml'),
    `tunnels:
  a-b:
    type: network-to-network
    ends:
      a: { nickname: ipsec0, address: ${ADDRESS.a}, network: ${NETWORKS[state]}, gateway: ${gateway} }
      b: { nickname: ipsec0, address: ${ADDRESS.b}, network: 192.168.2.0/24, gateway: 192.168.2.254 }
    keying:
      psk: ${KEYS[state]}
    onboot: true
`,
  );
  for (const scenario of Object.keys(ACTIVATION) as Scenario[]) {
    const tunnel = `    - name: Tunnel\n      ipsec_tunnels:\n        tunnels: all\n        activation: ${ACTIVATION[scenario]}\n`;
    const installs = '    - name: Sniffer\n      package:\n        name: tcpdump\n';
    const tasks = { 'package-first': installs + tunnel, 'package-last': tunnel + installs };
    writeFileSync(
      join(dir, `${scenario}.yml`),
      `- name: Tunnel\n  hosts: all\n  tasks:\n${scenario in tasks ? tasks[scenario as keyof typeof tasks] : tunnel}`,
    );
  }
}

const ACTIVATION: Readonly<Record<Scenario, string>> = {
  tunnel: 'auto',
  'network-restart': 'network-restart',
  'taken-back': 'auto',
  'package-first': 'auto',
  'package-last': 'auto',
};

/** What a run must not leave: everything of it but what a confirmed one keeps to be rolled back with. */
export function leftoversOf({ root }: PairHost): readonly string[] {
  const base = 'var/lib/ipsec-play';
  const found: string[] = [];
  for (const path of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (path.startsWith(`${base}/runs/`)) {
      const [id = '', mark] = path.slice(base.length + 6).split('/');
      if (mark === undefined) {
        const state = readOr(join(root, path, 'state')).trim();
        if (state !== 'confirmed') found.push(`run ${id} ${state}`);
      } else if (!KEPT.includes(mark)) found.push(path);
    } else if (path !== base && path !== `${base}/runs` && path !== `${base}/pending` && !isRecord(path)) {
      if (name.includes('ipsec-play') || path.startsWith(`${base}/`)) found.push(path);
    }
  }
  return found;
}

/** What is remembered of connections that were created here. */
function isRecord(path: string): boolean {
  return /^var\/lib\/ipsec-play\/made(\/(connections|peers)(\/[A-Za-z0-9.-]+)?)?$/.test(path);
}

const KEPT = [
  'backup',
  'begun',
  'ended',
  'journal',
  'left',
  'manifest',
  'modes',
  'owner',
  'proven',
  'restore.sh',
  'rolled-back',
  'state',
];

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
