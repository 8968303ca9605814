import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Rendering } from '../engine/sh.ts';
import type { Target } from '../model/host.ts';
import { attach } from './attach.ts';
import { keptKey } from './keys.ts';
import { endProcesses } from './processes.ts';
import { installPrograms, programsVersion } from './programs.ts';
import { DEFAULT_RELEASE } from './release.ts';
import { type LabServer, startServer } from './server.ts';
import { standInTarget } from './stand-in-target.ts';
import { type MovedRoot, makeTree } from './tree.ts';

export interface LabOptions {
  /** Where the hosts live from one run to the next. */
  readonly directory: string;
  readonly hosts: readonly LabHost[];
  /** The shell that runs what arrives over SSH; `sh` where nothing else is said. */
  readonly shell?: readonly [string, ...string[]];
}

export interface LabHost {
  readonly name: string;
  /** `5.11`, or a whole line of /etc/redhat-release. */
  readonly release?: string;
  /** IPv4 addresses of its outer side: the sources of its tunnels. */
  readonly addresses?: readonly string[];
}

/** Stand-ins for hosts, running. */
export interface Lab {
  /** The same host, reached in the lab. */
  target(target: Target): Target;
  /** How scripts are rendered for a host of the lab. */
  rendering(host: string): Rendering;
  readonly knownHostsFile: string;
  readonly identityFile: string;
  /** Cuts the host's connections and ends its processes; what its kernel held is lost, then it boots. */
  reboot(host: string): Promise<void>;
  /** Ends the servers. The hosts keep their state. */
  stop(): Promise<void>;
}

interface RunningHost {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly server: LabServer;
}

/** Starts a stand-in for each host, unless another process serves the folder (see `serve`). Rejects, before anything listens, where this machine could not keep them in. */
export async function startLab({ directory, hosts, shell = ['sh'] }: LabOptions): Promise<Lab> {
  const top = resolve(directory);
  const served = attach(top);
  if (served !== null) return served;
  if (top.includes(delimiter))
    throw new Error(`the lab cannot live in ${top}: a PATH cannot name a folder with a ${delimiter}`);
  const { default: ssh2 } = await import('ssh2');
  const systemPath = (process.env.PATH ?? '/usr/bin:/bin').split(delimiter).filter((folder) => folder.startsWith('/'));

  const programs = join(top, '.programs');
  mkdirSync(top, { recursive: true });
  installPrograms(programs, { path: systemPath });
  const identityFile = join(top, 'id_ed25519');
  const authorizedKey = ssh2.utils.parseKey(keptKey(identityFile, 'ipsec-play lab', ssh2.utils));
  if (authorizedKey instanceof Error) throw authorizedKey;

  const prepared = hosts.map((host) => {
    const folder = join(top, folderName(host.name));
    const root = join(folder, 'root');
    const installed = join(folder, 'installed');
    mkdirSync(installed, { recursive: true });
    prepareTree({ folder, root, programs, installed }, host);
    const env = environment({ root, programs, installed, systemPath });
    return { name: host.name, root, env, hostKey: keptKey(join(folder, 'host_key'), host.name, ssh2.utils) };
  });
  const [first] = prepared;
  if (first) await assertContained(shell, first.env, programs);

  const running = new Map<string, RunningHost>();
  await Promise.all(
    prepared.map(async ({ name, root, env, hostKey }) => {
      const server = await startServer({ hostKey, authorizedKey, shell, cwd: join(root, 'root'), env });
      running.set(name, { root, env, server });
    }),
  );
  const knownHosts = prepared.map(({ name, hostKey }) => {
    const key = ssh2.utils.parseKey(hostKey);
    if (key instanceof Error) throw key;
    return `[127.0.0.1]:${hostOf(name).server.port} ${key.type} ${key.getPublicSSH().toString('base64')}\n`;
  });
  const knownHostsFile = writeKnownHosts(top, knownHosts.join(''));

  function hostOf(name: string): RunningHost {
    const host = running.get(name);
    if (!host) throw new Error(`the lab has no host ${name}`);
    return host;
  }

  return {
    target: (target) => standInTarget(target, hostOf(target.name).server.port, identityFile),
    rendering: (name) => ({ root: hostOf(name).root, commandShell: [join(programs, 'lab-command')] }),
    knownHostsFile,
    identityFile,
    reboot: async (name) => {
      const { server, env, root } = hostOf(name);
      await server.disconnect();
      endProcesses(root);
      await promisify(execFile)(join(programs, 'reboot'), [], { env: { ...env }, cwd: root });
    },
    stop: async () => {
      await Promise.all([...running.values()].map(({ server }) => server.close()));
      rmSync(knownHostsFile, { force: true });
    },
  };
}

/** Nothing of the caller's own environment: it may hold secrets, and would make one lab differ from another. */
function environment(host: {
  readonly root: string;
  readonly programs: string;
  readonly installed: string;
  readonly systemPath: readonly string[];
}): Readonly<Record<string, string>> {
  return {
    PATH: [host.installed, host.programs, ...host.systemPath].join(delimiter),
    HOME: join(host.root, 'root'),
    USER: 'root',
    LOGNAME: 'root',
    SHELL: '/bin/sh',
    LAB_ROOT: host.root,
    LAB_PROGRAMS: host.programs,
    LAB_INSTALLED: host.installed,
  };
}

/** The tree is gone through only when the host is new, or the inventory or the userland changed. */
function prepareTree(
  { folder, root, ...moved }: { readonly folder: string; readonly root: string } & MovedRoot,
  host: LabHost,
): void {
  const release = host.release ?? DEFAULT_RELEASE;
  const stamp = JSON.stringify({ release, addresses: host.addresses ?? [], version: programsVersion() });
  const stampFile = join(folder, 'made-for');
  if (readOr(stampFile, '') === stamp) return;
  const addresses = host.addresses && host.addresses.length > 0 ? { addresses: host.addresses } : {};
  makeTree(root, { hostname: host.name, release, ...addresses }, moved);
  writeFileSync(stampFile, stamp);
}

/**
 * Some shells run built-in programs (busybox with its applets preferred) whatever PATH says. There, `reboot` in a
 * rehearsal would reboot this machine.
 */
async function assertContained(
  shell: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  programs: string,
): Promise<void> {
  const [program, ...args] = shell;
  const names = ['reboot', 'ip', 'ifup', 'ifdown', 'sysctl', 'service', 'rpm', 'killall'];
  const script = `for name in ${names.join(' ')}; do command -v "$name"; done`;
  const { stdout } = await promisify(execFile)(program, [...args, '-c', script], { env: { ...env } });
  const expected = names.map((name) => join(programs, name));
  const stray = expected.findIndex((path, index) => stdout.split('\n')[index] !== path);
  if (stray !== -1) {
    throw new Error(
      `the shell ${shell.join(' ')} of this machine runs its own ${names[stray]} in place of the lab's: the lab would not be safe`,
    );
  }
}

/**
 * Ports change from run to run, and two runs may use one lab, so that each has a file of its own. What a run left behind
 * that could not clean up is removed.
 */
function writeKnownHosts(top: string, text: string): string {
  for (const name of readdirSync(top)) {
    const pid = /^known_hosts\.(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(top, name), { force: true });
  }
  const id = createHash('sha256').update(text).digest('hex').slice(0, 8);
  const file = join(top, `known_hosts.${process.pid}-${id}`);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM';
  }
}

/** A host's name as the name of a folder, which begins with no dot and holds no slash. */
function folderName(host: string): string {
  return encodeURIComponent(host).replace(/^\./, '%2E');
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
}
