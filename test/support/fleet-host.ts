import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Held, hold, type Ran, type RunOptions, run } from './fleet-process.ts';
import { buildRoot, MACHINE_FOLDERS, type RootSpec } from './fleet-root.ts';
import { programPath } from './needs.ts';
import { generateKey } from './sshd.ts';

export interface HostSpec extends RootSpec {
  /** What /bin/sh is. Default: the machine's own. */
  readonly shell?: 'dash' | 'bash' | 'busybox';
  /** PATH of a command over SSH. The default has /sbin, where the stand-ins are, first. */
  readonly path?: string;
  /**
   * Which network it is on. Default: 0, where the control network is too. Nothing goes from one to another, but through
   * a host that is on both.
   */
  readonly segment?: number;
  /** A second network that it is on, as a bastion is. */
  readonly alsoOn?: { readonly segment: number; readonly address: string };
  /** sshd's. Default: 22. */
  readonly port?: number;
  /** Lines of sshd_config, before all others: the first value of a keyword counts. */
  readonly sshdConfig?: readonly string[];
  /** Default: ed25519. */
  readonly hostKey?: 'ed25519' | 'rsa';
}

export interface FleetHost {
  readonly name: string;
  readonly address: string;
  /** The host's own files, for this process to read. */
  readonly root: string;
  /** A line for known_hosts. */
  readonly knownHosts: string;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey: string;
  /** From now on it accepts these public keys and no others, for every user. */
  authorize(...publicKeys: string[]): void;
  /** Runs `sh -c command` on the host as root. */
  exec(command: string, options?: RunOptions): Promise<Ran>;
  /** The text of a file, or null where there is none. */
  read(path: string): string | null;
  /** `0600` */
  mode(path: string): string;
  /** The command lines of all that runs on the host. */
  processes(): readonly string[];
  /** The number that this machine gives to the host's first process of this name. */
  pidOf(program: string): number;
  /** Switches on a fault of the lab's userland. */
  fault(name: string, value?: string): void;
  unfault(name: string): void;
  /** A line for each of the host's own files and folders, which tells any change of or in it. */
  snapshot(): readonly string[];
  /** What sshd said. */
  log(): string;
  reboot(): Promise<void>;
  stop(): Promise<void>;
}

export interface HostContext {
  /** A folder for this host. */
  readonly dir: string;
  /** authorized_keys of every user. */
  readonly authorized: string;
  readonly sshdConfig: readonly string[];
  /** Plugs in the cable of the process's network. */
  onBoot(pid: number): void;
  /** Called before anything runs, so that it is stopped also where starting fails. */
  register(host: FleetHost): void;
}

export async function startHost(spec: HostSpec, context: HostContext): Promise<FleetHost> {
  const root = join(context.dir, 'root');
  mkdirSync(root, { recursive: true, mode: 0o755 });
  buildRoot(root, spec, context.authorized);
  const { address, port = 22, hostKey: keyType = 'ed25519' } = spec;
  const keyFile = join(root, `etc/ssh/ssh_host_${keyType}_key`);
  generateKey(keyFile, { type: keyType });
  writeFileSync(join(root, 'etc/ssh/sshd_config'), sshdConfig(spec, context.sshdConfig));
  const hostKey = readFileSync(`${keyFile}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');

  let life: Held | null = null;
  const boot = async (word: 'first' | 'again') => {
    life = hold([
      'unshare',
      '--net',
      '--mount',
      '--pid',
      '--uts',
      '--ipc',
      '--fork',
      '--kill-child=KILL',
      ...init(root, spec),
    ]);
    await life.said('mounted');
    context.onBoot(life.pid);
    life.child.stdin?.write(`${word}\n`);
    await life.said('Server listening');
  };
  const alive = () => {
    if (life === null) throw new Error(`${spec.name} does not run`);
    return life;
  };
  const host: FleetHost = {
    name: spec.name,
    address,
    root,
    knownHosts: `${port === 22 ? address : `[${address}]:${port}`} ${hostKey}\n`,
    hostKey,
    authorize: (...publicKeys) =>
      writeFileSync(join(root, 'etc/ssh/authorized_keys'), publicKeys.map((one) => `${one.trim()}\n`).join('')),
    exec: (command, options = {}) =>
      run(['nsenter', '-t', `${firstProcess(alive())}`, '-m', '-p', '-n', '-u', '-i', '--', '/bin/sh', '-c', command], {
        ...options,
        env: { PATH, HOME: '/root', LC_ALL: 'C', ...options.env },
      }).ended,
    read: (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'latin1') : null),
    mode: (path) => (lstatSync(join(root, path)).mode & 0o7777).toString(8).padStart(4, '0'),
    processes: () => descendants(firstProcess(alive())).map(commandLineOf),
    pidOf: (program) => {
      const pid = childrenOf(firstProcess(alive())).find((one) => ofProcess(one, 'comm').trim() === program);
      if (pid === undefined) throw new Error(`no ${program} runs on ${spec.name}`);
      return pid;
    },
    fault: (name, value = '') =>
      writeFileSync(join(root, 'var/lib/lab-faults', name), value === '' ? '' : `${value}\n`),
    unfault: (name) => rmSync(join(root, 'var/lib/lab-faults', name), { force: true }),
    snapshot: () => snapshot(root, ''),
    log: () => life?.log() ?? '',
    reboot: async () => {
      await alive().kill();
      for (const folder of ['run', 'tmp']) emptied(join(root, folder));
      mkdirSync(join(root, 'run/sshd'));
      await boot('again');
    },
    stop: async () => {
      await life?.kill();
    },
  };
  context.register(host);
  await boot('first');
  return host;
}

const PATH = '/sbin:/usr/sbin:/bin:/usr/bin';

function sshdConfig(spec: HostSpec, more: readonly string[]): string {
  const { path = PATH, port = 22, hostKey = 'ed25519', sshdConfig: first = [] } = spec;
  return [
    ...first,
    ...more,
    `Port ${port}`,
    'AddressFamily inet',
    `HostKey /etc/ssh/ssh_host_${hostKey}_key`,
    'AuthorizedKeysFile /etc/ssh/authorized_keys',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'UseDNS no',
    'MaxStartups 1000',
    'PidFile none',
    'LogLevel VERBOSE',
    `SetEnv PATH=${path}`,
    '',
  ].join('\n');
}

function init(root: string, { name, shell }: HostSpec): readonly string[] {
  const isLinkedTo = shell === undefined ? '' : (programPath(shell) ?? '');
  const outer = readlinkSync('/proc/self/ns/mnt');
  return ['sh', '-c', INIT, 'init', outer, root, name, isLinkedTo, programPath('sshd') ?? 'sshd', ...MACHINE_FOLDERS];
}

/**
 * The host's first process. Makes the tree its root, waits for the cable, boots (a new tree is as after a boot), and lives until its stdin ends: with it
 * ends every process of the host, and with the last of them the mounts and the network.
 */
const INIT = `set -e
outer=$1 root=$2 name=$3 shell=$4 sshd=$5
shift 5
[ "$(readlink /proc/self/ns/mnt)" != "$outer" ]
hostname "$name"
mount --bind "$root" "$root"
cd "$root"
read_only() { mount --bind "$1" "$2" && mount -o remount,bind,ro "$2"; }
for dir; do read_only "/$dir" "$dir"; done
: > usr/sbin/sshd
read_only "$sshd" usr/sbin/sshd
if [ -n "$shell" ]; then read_only "$shell" ".$(readlink -f /bin/sh)"; fi
mount -t proc proc proc
mount --bind var/lib/lab-kernel/sys proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=0755 tmpfs dev
for device in null zero full random urandom tty; do
  : > "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm .outer
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
pivot_root . .outer
cd /
PATH=${PATH}
umount -l /.outer
rmdir /.outer
echo mounted
read -r go
if [ "$go" = again ]; then /sbin/reboot; fi
/usr/sbin/sshd -D -e < /dev/null &
cat > /dev/null
exit 0
`;

/** The host's own pid 1, as this machine numbers it. */
function firstProcess(life: Held): number {
  const [pid] = childrenOf(life.pid);
  if (pid === undefined) throw new Error(`the host's first process is not to be found: ${life.log()}`);
  return pid;
}

function childrenOf(pid: number): readonly number[] {
  return ofProcess(pid, `task/${pid}/children`)
    .split(' ')
    .filter((one) => one !== '')
    .map(Number);
}

function descendants(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);
}

function commandLineOf(pid: number): string {
  return ofProcess(pid, 'cmdline').replaceAll('\0', ' ').trim();
}

/** Empty when it has ended meanwhile. */
function ofProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

function emptied(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, force: true });
}

/**
 * Left out: what is not the host's own, what stands for the kernel, and what any login leaves behind (/run, logs of
 * sudo). Times and inodes are in, so that a file written anew with the bytes it had is told as well.
 */
function snapshot(root: string, path: string): readonly string[] {
  const own = readdirSync(join(root, path)).sort();
  return own.flatMap((name) => {
    const at = path === '' ? name : `${path}/${name}`;
    if (FOREIGN.has(at)) return [];
    const stat = lstatSync(join(root, at), { bigint: true });
    const line = [at, stat.mode.toString(8), stat.uid, stat.gid, stat.ino, stat.mtimeNs];
    if (stat.isDirectory()) return [line.join(' '), ...snapshot(root, at)];
    if (!stat.isFile()) return [line.join(' ')];
    const hash = createHash('sha256')
      .update(readFileSync(join(root, at)))
      .digest('hex');
    return [[...line, hash].join(' ')];
  });
}

const FOREIGN = new Set([...MACHINE_FOLDERS, 'proc', 'sys', 'dev', 'run', 'var/lib/lab-kernel', 'var/lib/sudo']);
