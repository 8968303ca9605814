import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from '../support/fleet.ts';
import { type Held, hold, type Ran, runInNetwork } from '../support/fleet-process.ts';
import { generateKey } from '../support/sshd.ts';
import { type KernelHost, writeHostFiles } from './host-files.ts';

/**
 * Hosts with a real kernel: user-mode-linux as an ordinary process, in namespaces of its own, with ESP and AH, tcpdump and
 * ping as they are. Its namespaces and all their processes end with one process of ours, and that one with its stdin. What
 * is left behind, even where this process is killed, is the temporary folder.
 */
export interface KernelLab extends Pick<Fleet, 'dir' | 'controlExec' | 'controlSpawn'> {
  /** Runs a command on a host as root, over SSH. */
  exec(host: string, command: string): Promise<Ran>;
  /** The same; what it prints. Throws where it fails. */
  said(host: string, command: string): Promise<string>;
  /** Runs a command on the client behind a gateway, or with the network of a host that SSH no longer reaches. */
  inNetwork(namespace: string, command: string): Promise<Ran>;
  stop(): Promise<void>;
}

export async function startKernelLab(hosts: readonly KernelHost[]): Promise<KernelLab> {
  const dir = mkdtempSync(join(tmpdir(), 'ipsec-play-kernel-'));
  let life: Held | null = null;
  const stop = async () => {
    await life?.kill();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const home = join(dir, 'home');
    const keyFile = join(home, '.ssh/id_ed25519');
    for (const folder of [join(home, '.ssh'), join(dir, 'do')]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const hostKey = join(dir, 'host_key');
    for (const file of [keyFile, hostKey]) generateKey(file);
    const known = readFileSync(`${hostKey}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    writeFileSync(join(home, '.ssh/known_hosts'), hosts.map(({ address }) => `${address} ${known}\n`).join(''));
    cpSync(join(import.meta.dirname, 'guest'), join(dir, 'guest'), { recursive: true });
    for (const host of hosts)
      writeHostFiles(join(dir, 'hosts', host.name), host, { hostKey, authorized: `${keyFile}.pub` });
    writeFileSync(
      join(dir, 'hosts.list'),
      hosts.map(({ name, address, lan }) => `${name} ${address}/24 ${lan ?? ''}\n`).join(''),
    );

    life = hold([
      ...['unshare', '--net', '--mount', '--mount-proc', '--pid', '--fork', '--kill-child=KILL'],
      ...[
        join(dir, 'guest/boot'),
        dir,
        cpu(),
        ...new Set(hosts.map(({ address }) => address.replace(/\d+$/, '254/24'))),
      ],
    ]);
    const { pid } = life;
    await life.said('started');
    await booted(dir);
    const environment = { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: home, USER: 'root', LC_ALL: 'C.UTF-8' };
    const addressOf = (name: string) => hosts.find((host) => host.name === name)?.address ?? name;
    const control: KernelLab['controlSpawn'] = (argv, options = {}) =>
      runInNetwork(pid, ['setpriv', '--pdeathsig', 'KILL', ...argv], {
        timeout: LIMIT,
        ...options,
        env: { ...environment, ...options.env },
      });
    const listening = hosts.map(({ address }) => `until (exec 3<>/dev/tcp/${address}/22); do sleep 0.1; done`);
    const { code } = await control(['bash', '-c', `exec 2>/dev/null; ${listening.join('; ')}`]).ended;
    if (code !== 0) throw new Error(`sshd does not listen: ${readFileSync(join(dir, 'console'), 'latin1')}`);
    const ssh = ['ssh', '-q', '-T', '-i', keyFile, '-o', `UserKnownHostsFile=${home}/.ssh/known_hosts`];
    const exec: KernelLab['exec'] = (host, command) => control([...ssh, `root@${addressOf(host)}`, command]).ended;
    return {
      dir,
      controlSpawn: control,
      controlExec: (argv, options) => control(argv, options).ended,
      exec,
      said: async (host, command) => {
        const ran = await exec(host, command);
        if (ran.code !== 0) throw new Error(`${command} on ${host}: ${JSON.stringify(ran)}`);
        return ran.stdout;
      },
      inNetwork: (namespace, command) => inside(dir, `ip netns exec ${namespace} ${command}`),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What a machine must have for it; `.ci/run` installs their packages. */
export const KERNEL_NEEDS = [
  ...['root', 'linux.uml', 'modprobe', 'ip', 'unshare', 'nsenter', 'sshd', 'ssh', 'ssh-keygen', 'tcpdump', 'ping'],
  ...['iptables-legacy', 'sysctl', 'swanctl', 'taskset', 'setpriv'],
];

/** Milliseconds: all is slower in there, and the machine may be busy. */
const LIMIT = 180_000;

async function booted(dir: string): Promise<void> {
  for (let waited = 0; waited < LIMIT; waited += 100) {
    if (existsSync(join(dir, 'ready'))) return;
    await sleep(100);
  }
  throw new Error(`the kernel did not boot: ${readFileSync(join(dir, 'console'), 'latin1')}`);
}

/** One of those that this process may use, and another one for the next worker of the test run. */
function cpu(): string {
  const { stdout } = spawnSync('taskset', ['-cp', `${process.pid}`], { encoding: 'utf8' });
  const allowed = (stdout.split(':')[1] ?? '0').split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
  return `${allowed[Number(process.env.VITEST_POOL_ID ?? 0) % allowed.length] ?? 0}`;
}

let count = 0;

async function inside(dir: string, command: string): Promise<Ran> {
  const at = join(dir, 'do', `${++count}`);
  writeFileSync(`${at}.sh`, `${command}\n`);
  for (let waited = 0; waited < LIMIT; waited += 100) {
    if (existsSync(`${at}.code`)) {
      const [code, stdout] = [`${at}.code`, `${at}.out`].map((file) => readFileSync(file, 'utf8'));
      return { code: Number(code), stdout: stdout ?? '', stderr: '' };
    }
    await sleep(100);
  }
  throw new Error(`no end of: ${command}`);
}
