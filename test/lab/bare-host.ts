import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { installPrograms } from '../../src/lab/programs.ts';
import { makeTree } from '../../src/lab/tree.ts';

/** One host's userland, called directly: no SSH. */
export interface BareHost {
  readonly root: string;
  run(script: string, input?: string): { code: number; out: string; err: string };
  read(path: string): string;
  write(path: string, text: string): void;
  exists(path: string): boolean;
  fault(name: string, text?: string): void;
  /** Writes the files of a connection. */
  connection(name: string, ifcfg: Readonly<Record<string, string>>, keys?: Readonly<Record<string, string>>): void;
  remove(): void;
}

export interface ShellKind {
  readonly name: string;
  readonly argv: readonly string[];
  /** For a program's first line. */
  readonly interpreter: string;
  /** A program that is all the usual tools in one. */
  readonly tools?: string;
}

const NOBODY = 65534;
const TOOLS =
  'awk basename cat chmod cp cut date dirname env find grep head ln ls mkdir mktemp mv od printf readlink rm sed sleep sort stat tail touch tr wc';

/** The shells a script must run under; busybox with its own tools, as on Alpine. */
const ALL_SHELLS: readonly ShellKind[] = [
  { name: 'dash', argv: ['dash'], interpreter: '/bin/dash' },
  { name: 'bash', argv: ['bash', '--posix'], interpreter: '/bin/bash' },
  { name: 'busybox', argv: ['busybox', 'sh'], interpreter: '/bin/busybox sh', tools: '/bin/busybox' },
];
export const SHELLS = ALL_SHELLS.filter(({ interpreter }) => existsSync(interpreter.split(' ')[0] ?? ''));

export function bareHost(
  options: { release?: string; shell?: ShellKind; address?: string; unprivileged?: boolean } = {},
): BareHost {
  const top = mkdtempSync(join(tmpdir(), 'lab-host-'));
  const root = join(top, 'root');
  const programs = join(top, 'programs');
  const installed = join(top, 'installed');
  const shell = options.shell ? { shell: options.shell.interpreter } : {};
  mkdirSync(installed);
  installPrograms(programs, shell);
  const release = options.release === undefined ? {} : { release: options.release };
  makeTree(
    root,
    { hostname: 'lana', addresses: [options.address ?? '198.51.100.1'], ...release, ...shell },
    { programs, installed },
  );
  const tools = join(top, 'tools');
  mkdirSync(tools);
  if (options.shell?.tools) for (const name of TOOLS.split(' ')) symlinkSync(options.shell.tools, join(tools, name));
  const env = {
    PATH: `${installed}:${programs}:${tools}:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: join(root, 'root'),
    LAB_ROOT: root,
    LAB_PROGRAMS: programs,
    LAB_INSTALLED: installed,
  };
  // Whatever is made here later belongs to its maker.
  const somebody = options.unprivileged ? { uid: NOBODY, gid: NOBODY } : {};
  if (options.unprivileged) spawnSync('chown', ['-R', `${NOBODY}:${NOBODY}`, top]);
  const [program = 'sh', ...args] = options.shell?.argv ?? ['sh'];
  const host: BareHost = {
    root,
    run: (script, input = '') => {
      const { status, stdout, stderr } = spawnSync(program, [...args, '-c', script], {
        ...somebody,
        env,
        input,
        cwd: join(root, 'root'),
        encoding: 'latin1',
      });
      return { code: status ?? -1, out: stdout, err: stderr };
    },
    read: (path) => readFileSync(root + path, 'latin1'),
    write: (path, text) => {
      mkdirSync(dirname(root + path), { recursive: true });
      writeFileSync(root + path, text, 'latin1');
    },
    exists: (path) => existsSync(root + path),
    fault: (name, text = '') => host.write(`/var/lib/lab-faults/${name}`, text),
    connection: (name, ifcfg, keys) => {
      const lines = (values: Readonly<Record<string, string>>): string =>
        Object.entries(values)
          .map(([key, value]) => `${key}=${value}\n`)
          .join('');
      host.write(`/etc/sysconfig/network-scripts/ifcfg-${name}`, lines({ TYPE: 'IPSEC', ONBOOT: 'no', ...ifcfg }));
      if (keys) host.write(`/etc/sysconfig/network-scripts/keys-${name}`, lines(keys));
    },
    remove: () => rmSync(top, { recursive: true, force: true }),
  };
  return host;
}
