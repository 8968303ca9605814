import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { programPath } from './needs.ts';

export interface SshdOptions {
  /** Address to listen on; default 127.0.0.1. */
  readonly address?: string;
  /** Default: one that is free. */
  readonly port?: number;
  /** Types of host keys; default ed25519 alone. */
  readonly hostKeys?: readonly HostKeyType[];
  /** Further lines of sshd_config, before the defaults: the first value of a keyword counts. */
  readonly config?: readonly string[];
  /** Put before the command line, such as `ip netns exec NAME`. */
  readonly wrapper?: readonly string[];
}

type HostKeyType = 'ed25519' | 'ecdsa' | 'rsa';

/** A real OpenSSH server with its own host keys, configuration and authorized_keys, all in a temporary folder. */
export interface Sshd {
  readonly address: string;
  readonly port: number;
  readonly dir: string;
  /** Who may log in without being root. */
  readonly user: string;
  /** A key that it accepts, for every user. */
  readonly clientKey: string;
  readonly pid: number;
  /** `ssh-ed25519 AAAA…` */
  hostKey(type?: HostKeyType): string;
  /** A line for known_hosts. */
  knownHosts(type?: HostKeyType): string;
  authorize(publicKey: string): void;
  log(): string;
  stop(): Promise<void>;
}

export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const dir = mkdtempSync(join(tmpdir(), 'sshd-'));
  // sshd reads authorized_keys as the user who logs in.
  chmodSync(dir, 0o755);
  const address = options.address ?? '127.0.0.1';
  const port = options.port ?? (await freePort(address));
  const types = options.hostKeys ?? ['ed25519'];
  for (const type of types) generateKey(join(dir, `host_${type}`), { type });
  const clientKey = join(dir, 'client');
  generateKey(clientKey);
  const authorized = join(dir, 'authorized_keys');
  writeFileSync(authorized, readFileSync(`${clientKey}.pub`));
  const sshd = programPath('sshd') ?? 'sshd';
  const isRoot = process.getuid?.() === 0;
  // OpenSSH's own privilege separation folder; a service manager makes it at boot.
  if (isRoot && !existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 });
  writeFileSync(
    join(dir, 'sshd_config'),
    [
      ...(options.config ?? []),
      ...types.map((type) => `HostKey ${join(dir, `host_${type}`)}`),
      `ListenAddress ${address}`,
      `Port ${port}`,
      `AuthorizedKeysFile ${authorized}`,
      `PidFile ${join(dir, 'sshd.pid')}`,
      'StrictModes no',
      `UsePAM ${isRoot ? 'yes' : 'no'}`,
      'PermitRootLogin yes',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'MaxStartups 1000',
      'LogLevel VERBOSE',
      ...(punishesFailures(sshd) ? ['PerSourcePenalties no'] : []),
      '',
    ].join('\n'),
  );
  const [program = sshd, ...args] = [...(options.wrapper ?? []), sshd, '-D', '-e', '-f', join(dir, 'sshd_config')];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (let wait = 0; !/Server listening/.test(log); wait += 1) {
    if (child.exitCode !== null || wait > 500) throw new Error(`sshd did not start: ${log}`);
    await sleep(20);
  }
  const hostKey = (type: HostKeyType = types[0] ?? 'ed25519') =>
    readFileSync(join(dir, `host_${type}.pub`), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ');

  return {
    address,
    port,
    dir,
    user: userInfo().username,
    clientKey,
    pid: child.pid ?? 0,
    hostKey,
    knownHosts: (type) => `${port === 22 ? address : `[${address}]:${port}`} ${hostKey(type)}\n`,
    authorize: (publicKey) => writeFileSync(authorized, `${publicKey.trim()}\n`, { flag: 'a' }),
    log: () => log,
    stop: async () => {
      child.kill();
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** OpenSSH 9.8 began to shut out an address from which logins failed, as tests make them fail. */
function punishesFailures(sshd: string): boolean {
  const { stderr } = spawnSync(sshd, ['-V'], { encoding: 'utf8' });
  const [, major = '0', minor = '0'] = /OpenSSH_(\d+)\.(\d+)/.exec(stderr) ?? [];
  return Number(major) * 100 + Number(minor) >= 908;
}

/** Writes PATH and PATH.pub. */
export function generateKey(path: string, { type = 'ed25519', passphrase = '', format = 'RFC4716' } = {}): void {
  execFileSync('ssh-keygen', ['-q', '-t', type, '-m', format, '-N', passphrase, '-C', `test ${type}`, '-f', path]);
}

/** The process that serves a connection: the parent of the login shell in which `pid` was seen. */
export function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

export async function freePort(address = '127.0.0.1'): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
