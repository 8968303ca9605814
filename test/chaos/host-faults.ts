import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KEYS, type PairHost, type Scenario } from './pair.ts';
import { atLab } from './stand-ins.ts';

/** Something about a host that no change can be made with. */
export interface HostFault {
  readonly name: string;
  /** What the host, or one of its tasks, is said to have: `code: message`. */
  readonly named: RegExp;
  readonly scenario?: Scenario;
  readonly args?: readonly string[];
  /** What brings it about; gives how to put it right. */
  arrange(host: PairHost): () => void;
}

const SCRIPTS = 'etc/sysconfig/network-scripts';
const SECONDS = ['--command-timeout', '4'];

/** What needs no privileges: the lab's own faults, and programs that refuse as they do on such a file system. */
export const STANDING: readonly HostFault[] = [
  {
    name: 'a key file that has become a directory',
    named: /^(blocked|not-prepared|task-failed): .*directory/,
    arrange: ({ root }) => {
      const file = join(root, SCRIPTS, 'keys-ipsec0');
      cpSync(file, `${file}.aside`);
      rmSync(file);
      mkdirSync(file);
      return () => {
        rmSync(file, { recursive: true });
        cpSync(`${file}.aside`, file);
        rmSync(`${file}.aside`);
      };
    },
  },
  {
    name: 'an immutable key file (mv refuses)',
    named: /^task-failed: .*Operation not permitted/s,
    arrange: ({ tripwire }) => tripwire.refuse('mv', '*/keys-ipsec0', 'Operation not permitted'),
  },
  {
    name: 'a full disk when files are saved (cp refuses)',
    named: /^not-prepared: .*No space left on device/s,
    arrange: ({ tripwire }) => tripwire.refuse('cp', '*/backup/*', 'No space left on device'),
  },
  {
    name: 'a full disk when files are swapped (mv refuses)',
    named: /^task-failed: .*No space left on device/s,
    arrange: ({ tripwire }) => tripwire.refuse('mv', '*ifcfg-ipsec0', 'No space left on device'),
  },
  {
    name: 'a read-only /etc when files are swapped (mv refuses)',
    named: /^task-failed: .*Read-only file system/s,
    arrange: ({ tripwire }) => tripwire.refuse('mv', '*/etc/*-ipsec0', 'Read-only file system'),
  },
  {
    name: 'an ifup that exits 0 and makes no policy of the new key',
    named: /^task-failed: .*polic/s,
    arrange: ({ root }) => atLab(root, 'ifup-silent', KEYS.new),
  },
  {
    name: 'an ifup that never ends with the new key',
    named: /^command-timeout: /,
    args: SECONDS,
    arrange: ({ root }) => atLab(root, 'ifup-hangs', KEYS.new),
  },
  ...(['package-first', 'package-last'] as const).flatMap((scenario): readonly HostFault[] => [
    {
      name: `a package manager that fails, ${scenario}`,
      named: /^task-failed: .*Cannot retrieve repository metadata/s,
      scenario,
      arrange: ({ root }) => atLab(root, 'yum-fails'),
    },
    {
      name: `a package manager that hangs, ${scenario}`,
      named: /^command-timeout: /,
      scenario,
      args: SECONDS,
      arrange: ({ root }) => atLab(root, 'yum-hangs'),
    },
  ]),
];

/** The same on a file system of its own; needs to be root. */
export const MOUNTED: readonly HostFault[] = [
  {
    name: 'a disk that is full from the beginning',
    // dash says only that of any write that fails.
    named: /^not-prepared: .*(No space left on device|I\/O error)/s,
    arrange: ({ root }) => mounted(join(root, 'var/lib/ipsec-play'), ['-o', 'size=4k,mode=0700']),
  },
  ...[16, 24, 32, 48, 64].map(
    (kilobytes): HostFault => ({
      name: `a disk with room for ${kilobytes} KB`,
      named: /^(not-prepared|task-failed|script-ended|went-back|restore-failed): /,
      arrange: ({ root }) => mounted(join(root, 'var/lib/ipsec-play'), ['-o', `size=${kilobytes}k,mode=0700`]),
    }),
  ),
  {
    name: 'a read-only /etc',
    named: /^not-prepared: .*Read-only file system/s,
    arrange: ({ root }) => readOnly(join(root, 'etc')),
  },
];

/** A file that root itself cannot replace: `chattr +i` where the file system knows that, else a mount that is read-only. */
export function immutable(how: 'chattr' | 'mount'): HostFault {
  return {
    name: `an immutable key file (${how === 'chattr' ? 'chattr +i' : 'a read-only mount'})`,
    named: /^(not-prepared|task-failed): .*(Operation not permitted|Read-only file system|Device or resource busy)/s,
    arrange: ({ root }) => {
      const file = join(root, SCRIPTS, 'keys-ipsec0');
      if (how === 'mount') return readOnly(file);
      run('chattr', ['+i', file]);
      return () => run('chattr', ['-i', file]);
    },
  };
}

export interface Privileges {
  readonly mount: boolean;
  readonly chattr: boolean;
}

/** What this machine lets us do with a file system, found by trying it. */
export function privilegesIn(dir: string): Privileges {
  const place = join(dir, 'mount-test');
  mkdirSync(place, { recursive: true });
  const mount = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', place]).status === 0;
  if (mount) spawnSync('umount', [place]);
  const file = join(place, 'file');
  writeFileSync(file, '');
  const chattr = spawnSync('chattr', ['+i', file]).status === 0;
  if (chattr) spawnSync('chattr', ['-i', file]);
  rmSync(place, { recursive: true });
  return { mount, chattr };
}

function readOnly(place: string): () => void {
  run('mount', ['--bind', place, place]);
  run('mount', ['-o', 'remount,bind,ro', place]);
  return () => run('umount', [place]);
}

function mounted(place: string, options: readonly string[]): () => void {
  // What is there already counts, too.
  const aside = `${place}.aside`;
  if (existsSync(place)) cpSync(place, aside, { recursive: true });
  mkdirSync(place, { recursive: true });
  run('mount', ['-t', 'tmpfs', ...options, 'tmpfs', place]);
  return () => {
    run('umount', [place]);
    rmSync(aside, { recursive: true, force: true });
  };
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
}
