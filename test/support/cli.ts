import { cpSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Terminal } from '../../src/cli/machine/terminal.ts';
import { runProgram } from '../../src/cli/program.ts';
import { unproven } from './unproven.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A copy of the shipped inventory and playbooks in a folder of its own, to be edited and run in. */
export interface Project {
  readonly path: string;
  /** Runs the command line in this process, without a terminal; an apply does not prove its tunnels. */
  run(...argv: string[]): Promise<Ran>;
  /** The same, with that proof. */
  prove(...argv: string[]): Promise<Ran>;
  /** The same in another world: with variables, with input, with somebody who answers. */
  runIn(world: Partial<Terminal>, ...argv: string[]): Promise<Ran>;
  read(path: string): string;
  write(path: string, text: string): void;
  edit(path: string, from: string | RegExp, to: string): void;
  remove(): void;
}

/** Changes this process's working directory: test files that use it run in a process of their own. */
export function shippedProject(): Project {
  const path = mkdtempSync(join(tmpdir(), 'ipsec-play-'));
  for (const folder of ['inventory', 'playbooks', 'schema'])
    cpSync(join(REPOSITORY, folder), join(path, folder), { recursive: true });
  const project: Project = {
    path,
    run: (...argv) => project.runIn({}, ...argv),
    prove: (...argv) => runHere(path, {}, argv),
    runIn: (world, ...argv) => runHere(path, world, unproven(argv)),
    read: (file) => readFileSync(join(path, file), 'utf8'),
    write: (file, text) => writeFileSync(join(path, file), text),
    edit: (file, from, to) => {
      const before = project.read(file);
      const after = before.replaceAll(from as string, to);
      if (after === before) throw new Error(`${file} has no ${from}`);
      project.write(file, after);
    },
    remove: () => {
      process.chdir(REPOSITORY);
      rmSync(path, { recursive: true, force: true });
    },
  };
  return project;
}

async function runHere(path: string, world: Partial<Terminal>, argv: readonly string[]): Promise<Ran> {
  process.chdir(path);
  const out: string[] = [];
  const err: string[] = [];
  const code = await runProgram(argv, { ...terminal(path, out, err), ...world });
  return { code, stdout: out.join(''), stderr: err.join('') };
}

function terminal(cwd: string, out: string[], err: string[]): Terminal {
  return {
    stdout: (text) => void out.push(text),
    stderr: (text) => void err.push(text),
    flushed: async () => null,
    progress: null,
    interactive: false,
    color: { stdout: false, stderr: false },
    env: { PATH: process.env.PATH },
    cwd,
    home: cwd,
    user: 'root',
    stdin: async () => Buffer.alloc(0),
    ask: async () => null,
    onInterrupt: () => () => {},
    exitNow: (code) => {
      throw new Error(`exit ${code}`);
    },
  };
}

/** Every file below a folder with what is in it, for comparing trees. */
export function tree(folder: string, below = ''): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(join(folder, below)).sort()) {
    const inner = join(below, name);
    const stat = statSync(join(folder, inner), { throwIfNoEntry: false });
    if (stat === undefined) found[inner] = `-> ${readlinkSync(join(folder, inner))}`;
    else if (stat.isDirectory()) Object.assign(found, tree(folder, inner));
    else if (stat.isFile())
      found[inner] =
        `${(stat.mode & 0o7777).toString(8)} ${stat.mtimeMs} ${readFileSync(join(folder, inner), 'latin1')}`;
  }
  return found;
}
