import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HostResult } from '../../src/engine/result.ts';
import type { RunDocument } from '../../src/report/json.ts';
import type { Fleet } from './fleet.ts';
import type { RunOptions as ProcessOptions, Ran, Running } from './fleet-process.ts';
import { unproven } from './unproven.ts';
import { tracedTo } from './watch-secrets.ts';

export interface RunOptions extends ProcessOptions {
  /** The file that gets the arguments and the environment of all that it starts. Needs strace. */
  readonly tracedTo?: string;
  /** An apply proves its tunnels, as it does without a word from the user. */
  readonly proven?: boolean;
}

/** A folder as a user has it, with an inventory and playbooks, and the built command line run in it on the fleet. */
export interface Workspace {
  readonly dir: string;
  write(path: string, text: string): void;
  read(path: string): string;
  /** Replaces a text that must be there. */
  edit(path: string, from: string, to: string): void;
  run(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** The same, still running. */
  start(args: readonly string[], options?: RunOptions): Running;
  /** The same with `--output json`, its document read. */
  report(args: readonly string[], options?: RunOptions): Promise<Report>;
}

export interface Report extends Ran {
  readonly document: RunDocument;
  /** The status of each host, followed by what went wrong there. */
  readonly hosts: Readonly<Record<string, string>>;
  /** The names of the tasks of a host that have this status. */
  tasks(host: string, status: string): readonly string[];
  /** What a task of a host says of a path. */
  diff(host: string, path: string): { readonly before: string | null; readonly after: string | null };
}

/** With `shipped` it begins as a copy of what this repository ships. */
export function workspace(
  fleet: Pick<Fleet, 'dir' | 'controlExec' | 'controlSpawn'>,
  begin: 'shipped' | 'empty' = 'empty',
): Workspace {
  const cli = built(fleet);
  const dir = mkdtempSync(join(fleet.dir, 'work-'));
  if (begin === 'shipped') {
    for (const folder of ['inventory', 'playbooks']) cpSync(join(ROOT, folder), join(dir, folder), { recursive: true });
  }
  const argv = (args: readonly string[], options: RunOptions = {}) => [
    ...(options.tracedTo === undefined ? [] : tracedTo(options.tracedTo)),
    ...[process.execPath, cli, ...(options.proven === true ? args : unproven(args))],
  ];
  const read = (path: string) => readFileSync(join(dir, path), 'utf8');
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  const run = (args: readonly string[], options: RunOptions = {}) =>
    fleet.controlExec(argv(args, options), { cwd: dir, ...options });
  return {
    dir,
    write,
    read,
    edit: (path, from, to) => {
      const text = read(path);
      if (!text.includes(from)) throw new Error(`${path} has no '${from}'`);
      write(
        path,
        text.replace(from, () => to),
      );
    },
    run,
    start: (args, options = {}) => fleet.controlSpawn(argv(args, options), { cwd: dir, ...options }),
    report: async (args, options) => reportOf(await run([...args, '--output', 'json'], options)),
  };
}

function reportOf(ran: Ran): Report {
  const document = parsed(ran);
  const host = (name: string) => {
    const found = document.hosts[name];
    if (found === undefined) throw new Error(`no host ${name} in ${ran.stdout}`);
    return found;
  };
  return {
    ...ran,
    document,
    hosts: Object.fromEntries(Object.entries(document.hosts).map(([name, result]) => [name, outcomeOf(result)])),
    tasks: (name, status) =>
      host(name)
        .tasks.filter((task) => task.status === status)
        .map((task) => task.name),
    diff: (name, path) => {
      const diff = host(name)
        .tasks.flatMap((task) => task.diff)
        .find((one) => one.path === path);
      if (diff === undefined) throw new Error(`no diff of ${path} on ${name} in ${ran.stdout}`);
      return diff;
    },
  };
}

function outcomeOf({ status, error, tasks }: HostResult): string {
  const faults = tasks.flatMap((task) => (task.error === null ? [] : [`${task.name}: ${task.error.message}`]));
  return [status, ...(error === null ? [] : [error.message]), ...(status === 'failed' ? faults : [])].join('\n');
}

function parsed({ code, stdout, stderr }: Ran): RunDocument {
  try {
    return JSON.parse(stdout) as RunDocument;
  } catch {
    throw new Error(`exit ${code}, and no JSON on stdout: ${stdout}\n${stderr}`);
  }
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The built command line; a copy, so that who builds meanwhile does not take it away. Only one test file may build. */
function built(fleet: Pick<Fleet, 'dir'>): string {
  const copy = join(fleet.dir, 'dist');
  if (existsSync(copy)) return join(copy, 'cli.js');
  mkdirSync(join(ROOT, '.ipsec-play'), { recursive: true });
  const script = '"$1" scripts/build.mjs && cp -r dist "$2"';
  const argv = ['.ipsec-play/build.lock', 'sh', '-c', script, 'build', process.execPath, copy];
  const { status, stderr } = spawnSync('flock', argv, { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the command line cannot be built: ${stderr}`);
  return join(copy, 'cli.js');
}
