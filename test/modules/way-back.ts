import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { Facts, Module, Plan, ProbeOutput } from '../../src/engine/module.ts';
import { type Rendering, render, type Script } from '../../src/engine/sh.ts';
import { differences } from '../../src/engine/transaction/differences.ts';
import { hostKit } from '../../src/engine/transaction/host-kit.ts';
import { partScript, swapStaged } from '../../src/engine/transaction/part.ts';
import { prepareScript, type StagedWrite } from '../../src/engine/transaction/prepare.ts';
import { restoreScript, type WayBack } from '../../src/engine/transaction/restore.ts';
import { fileResource, HostState } from '../../src/model/host-state.ts';
import { shells } from '../support/shells.ts';
import { probeAll, type TestHost } from './run-module.ts';

/** One task of a run. */
export interface Wanted {
  readonly module: Module<never, never>;
  readonly args: unknown;
}

export function wanted<Args, Change>(module: Module<Args, Change>, args: Args): Wanted {
  return { module: module as unknown as Module<never, never>, args };
}

const NONCE = 'nonce';
const BASE = '/var/lib/ipsec-play';
const RUN = `${BASE}/runs/r1`;
const FACTS: Facts = {};

/** What came of a law's tasks. */
export interface Went {
  /** The states that the way back was gone from: that of all that could be made is one of them. */
  readonly states: number;
  /** Every task came to its end. */
  readonly isWhole: boolean;
}

/**
 * The law of `undo` for the tasks of one run: whatever was made of them, the way back gives the state that was read before,
 * and every file as it was. The tasks are prepared and made by the scripts of a transaction. Before each program that they
 * start the host is copied as it is then: that is what a kill at this moment leaves. From each copy that is not like another
 * the way back is gone, by each shell in its turn, and from what is there in the end. Where it is to hold `inEachShell`,
 * all is made and taken back by the others, too; else each case has the next one. A task that fails ends the part, and
 * changes nothing about the law.
 */
export function wayBackOn(host: TestHost) {
  let turn = 0;
  return (stage: () => void, tasks: readonly Wanted[], { inEachShell = false } = {}): Went => {
    const inTurn = [...shells.slice(turn % shells.length), ...shells.slice(0, turn % shells.length)];
    turn += 1;
    const [first = ['sh'], ...others] = inTurn;
    const went = expectFromEverywhere({ ...host, shell: first }, stage, tasks, inTurn);
    for (const shell of inEachShell ? others : []) {
      const isWhole = expectFromEnd({ ...host, shell }, stage, tasks);
      expect(isWhole, shell[0]).toBe(went.isWhole);
    }
    return went;
  };
}

function expectFromEnd(host: TestHost, stage: () => void, tasks: readonly Wanted[]): boolean {
  stage();
  const before = read(host, tasks);
  const files = snapshot(host);
  const isWhole = make(host, plans(tasks, before), before, null);
  restoreAll(host, [host.shell], []);
  expectAsBefore(host, files, `${host.shell[0]} made all of it`);
  expect(differences(before, read(host, tasks))).toEqual([]);
  return isWhole;
}

function expectFromEverywhere(
  host: TestHost,
  stage: () => void,
  tasks: readonly Wanted[],
  inTurn: readonly TestHost['shell'][],
): Went {
  stage();
  const before = read(host, tasks);
  const files = snapshot(host);
  const steps = plans(tasks, before);
  if (steps.length === 0) return { states: 0, isWhole: true };
  const cuts = mkdtempSync(`${dirname(host.root)}-cut-`);
  try {
    const isWhole = make(host, steps, before, cuts);
    const seen = new Set([fingerprint(host)]);
    const states = readdirSync(join(cuts, 'states'))
      .map((name) => ({ number: Number.parseInt(name, 10), folder: join(cuts, 'states', name) }))
      .sort((one, other) => one.number - other.number)
      .filter(({ folder }) => {
        const print = fingerprint(copyOf(host, folder));
        const isNew = !seen.has(print);
        seen.add(print);
        return isNew;
      });
    restoreAll(
      host,
      inTurn,
      states.map(({ folder }) => folder),
    );
    for (const { number, folder } of states)
      expectAsBefore(copyOf(host, folder), files, `it was cut before program ${number}`);
    expectAsBefore(host, files, 'all of it was made');
    expect(differences(before, read(host, tasks))).toEqual([]);
    return { states: seen.size, isWhole };
  } finally {
    rmSync(cuts, { recursive: true, force: true });
  }
}

interface Step extends Wanted {
  readonly id: string;
  readonly plan: Extract<Plan<never>, { kind: 'change' }>;
}

/** The two folders that are all of a host. */
type Folders = Pick<TestHost, 'root' | 'kernel'>;

function copyOf(host: TestHost, folder: string): Folders {
  return { root: join(folder, basename(host.root)), kernel: join(folder, basename(host.kernel)) };
}

/** Reads all at once, as the engine does. */
function read(host: TestHost, tasks: readonly Wanted[]): HostState {
  const probes = tasks.map(({ module, args }) => module.probe(args as never, FACTS) as Script);
  const outputs = probeAll(host, probes);
  return HostState.merge(
    tasks.map(({ module, args }, index) => module.parse(outputs[index] as ProbeOutput, args as never)),
  );
}

function plans(tasks: readonly Wanted[], initial: HostState): readonly Step[] {
  const steps: Step[] = [];
  let state = initial;
  tasks.forEach(({ module, args }, index) => {
    const plan = module.plan(args as never, state, { facts: FACTS, initial, taskId: `task${index}` });
    if (plan.kind !== 'change') return;
    steps.push({ module, args, id: `t1.${index}`, plan });
    state = state.merge(plan.after);
  });
  return steps;
}

/** Prepares and makes the tasks as a host does; true where each came to its end. `cuts`: where the host is copied to. */
function make(host: TestHost, steps: readonly Step[], state: HostState, cuts: string | null): boolean {
  const of = { id: 'r1', rendering: rendering(host) };
  const paths = steps.flatMap(({ module, args, plan }) => {
    const more = module.touches?.(plan.change, args as never) ?? [];
    return [...plan.after.all(fileResource).keys(), ...(more === 'anything' ? [] : more)];
  });
  const touched = [...new Set(paths)].map((path) => ({
    path,
    seen: state.get(fileResource, path),
    isHosts: false,
  }));
  const writes: StagedWrite[] = [];
  const written = new Set<string>();
  const swap = swapStaged((write) => {
    const number = String(writes.length);
    writes.push({ number, write });
    const backup = written.has(write.path) ? -1 : touched.findIndex(({ path }) => path === write.path);
    written.add(write.path);
    return { staged: number, backup: backup === -1 ? null : backup };
  });
  const text = (script: Script | undefined) => (script === undefined ? '' : render(script, of.rendering));
  const parts = steps.map(({ module, args, plan, id }) => {
    const change = render(module.apply(plan.change, args as never, FACTS) as Script, of.rendering, swap);
    for (const path of module.touches?.(plan.change, args as never) ?? []) written.add(path);
    for (const [path, after] of plan.after.all(fileResource)) if (after.kind !== 'file') written.add(path);
    return { id, text: change, risky: plan.disruptive !== undefined, mayFail: false };
  });
  const ways: WayBack[] = steps.map(({ module, args, plan, id }) => {
    const undo = module.undo?.(plan.change, args as never, FACTS) ?? {};
    return { id, before: text(undo.before), after: text(undo.after), last: text(undo.last) };
  });
  const notes = new Map(
    steps.map(({ module, args, plan, id }) => [id, text(module.notes?.(plan.change, args as never, FACTS))]),
  );
  const prepare = prepareScript({
    run: of,
    nonce: NONCE,
    part: 1,
    touched,
    firstTouched: 0,
    notes,
    writes,
    partScript: partScript(of, NONCE, 1, parts),
    restoreScript: restoreScript(of, NONCE, ways),
    // The law is that of the way back; nobody is to go it of his own accord.
    keeperScript: `${hostKit(of)}\nip_mark keeper.pid\n`,
    healthScript: '',
    owner: [],
  });
  const own = join(dirname(host.root), 'bin');
  expect(run(host, own, ['-s'], prepare), 'it is prepared').toMatch(/@@nonce e keeper 0\n/);
  run(host, cuts === null ? own : `${traps(host, cuts)}:${own}`, [`${host.root}${RUN}/part-1.sh`]);
  const journal = host.read(`${RUN}/journal`);
  expect(journal).toContain('part 1\n');
  return steps.every(({ id }) => journal?.includes(`ended ${id} 0\n`));
}

/** Goes the way back from what is there now, and from each of these folders, which stand for the host in turn. */
function restoreAll(host: TestHost, inTurn: readonly TestHost['shell'][], folders: readonly string[]): void {
  const home = dirname(host.root);
  const names = [host.root, host.kernel].map((path) => word(basename(path)));
  const go = (turn: number) =>
    `${inTurn[turn % inTurn.length]?.join(' ')} ${names[0]}${RUN}/restore.sh </dev/null >/dev/null 2>&1`;
  const turns = folders.map((folder, index) => {
    const there = names.map((name) => `${word(folder)}/${name}`).join(' ');
    return `mv ${there} . && { ${go(index + 1)}\nmv ${names.join(' ')} ${word(folder)}; }`;
  });
  // What is there now comes first, and waits aside.
  const aside = folders.length === 0 ? [] : [`mkdir aside && mv ${names.join(' ')} aside || exit 1`];
  const script = [`cd ${word(home)} || exit 1`, go(0), ...aside, ...turns];
  if (folders.length > 0) script.push('mv aside/* . && rmdir aside');
  const ended = spawnSync('sh', ['-s'], {
    input: Buffer.from(`${script.join('\n')}\n`, 'utf8'),
    env: environment(host, join(home, 'bin')),
  });
  expect(ended.stderr.toString()).toBe('');
}

function expectAsBefore(found: Folders, files: Readonly<Record<string, string>>, where: string): void {
  expect(readFileSync(join(found.root, RUN, 'state'), 'utf8'), where).toBe('restored\n');
  expect(snapshot(found), where).toEqual(files);
}

function rendering(host: TestHost): Rendering {
  return { root: host.root, commandShell: ['sh', '-c'] };
}

function word(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The machine's programs that scripts of modules use. */
const COUNTED = ['cat', 'cp', 'mv', 'rm', 'rmdir', 'mkdir', 'chmod', 'chown', 'grep', 'awk', 'touch', 'tr'];

/** A folder for PATH whose programs copy the host into `states/NUMBER-PROCESS`, and then become the real ones. */
function traps(host: TestHost, cuts: string): string {
  const home = dirname(host.root);
  const [folder, states, counter] = ['traps', 'states', 'count'].map((name) => join(cuts, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(folder);
  mkdirSync(states);
  writeFileSync(counter, '0\n');
  const own = readdirSync(join(home, 'bin')).map((name) => [name, join(home, 'bin', name)] as const);
  for (const [name, program] of [...COUNTED.map((name) => [name, `/usr/bin/${name}`] as const), ...own]) {
    // One process more: it runs for every program.
    writeFileSync(
      join(folder, name),
      `#!/bin/sh
read -r n <'${counter}'; n=$((n + 1)); echo $n >'${counter}'
/usr/bin/cp -a '${home}' '${states}/'$n-$$
exec '${program}' "$@"
`,
    );
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

function environment(host: TestHost, first: string): Record<string, string> {
  return { PATH: `${first}:/usr/bin:/bin`, HOME: host.root, LANG: 'C.UTF-8' };
}

function run(host: TestHost, path: string, args: readonly string[], input = ''): string {
  const [shell, ...words] = host.shell;
  const ended = spawnSync(shell, [...words, ...args], {
    input: Buffer.from(input, 'latin1'),
    env: environment(host, path),
    cwd: '/',
  });
  return `${ended.stdout}${ended.stderr}`;
}

/** All of a host that a way back may depend on. */
function fingerprint(folders: Folders): string {
  const own = (name: string) => {
    try {
      return readFileSync(join(folders.root, RUN, name), 'latin1');
    } catch {
      return '';
    }
  };
  const begun = own('journal').match(/^begun .*/gm) ?? [];
  return JSON.stringify([snapshot(folders), begun, own('staged.list')]);
}

/** Every file and folder but those of the run and its lock, and what the programs remember but their log. */
function snapshot(folders: Folders): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (folder: string, below: string) => {
    if (below === `${BASE}/runs` || below === `${BASE}/lock`) return;
    const isKernel = folder === folders.kernel;
    const at = folder + below;
    const stat = lstatSync(at);
    const mode = (stat.mode & 0o7777).toString(8);
    if (stat.isDirectory()) {
      if (!isKernel && !`${BASE}/`.startsWith(`${below}/`)) found[below] = `${mode} directory`;
      for (const name of readdirSync(at).sort()) visit(folder, `${below}/${name}`);
    } else if (!isKernel) found[below] = `${mode} ${readFileSync(at, 'latin1')}`;
    else if (!/^\/(log|conf)$/.test(below)) found[`kernel ${below}`] = readFileSync(at, 'latin1');
  };
  for (const folder of [folders.root, folders.kernel]) visit(folder, '');
  return found;
}
