import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { type Frame, frameReader } from '../../src/engine/frames.ts';
import type { Facts, Module, Plan, ProbeOutput } from '../../src/engine/module.ts';
import { prelude } from '../../src/engine/prelude.ts';
import { probeScript } from '../../src/engine/probe.ts';
import { type Rendering, render, type Script } from '../../src/engine/sh.ts';
import type { HostState } from '../../src/model/host-state.ts';
import { shells } from '../support/shells.ts';

/** A host to run scripts on: a folder as its root, programs of our own before the machine's, and one shell. */
export interface TestHost {
  readonly shell: readonly [string, ...string[]];
  /** The folder that stands for `/`. */
  readonly root: string;
  /** What the programs remember. */
  readonly kernel: string;
  write(path: string, bytes: string, mode?: number): void;
  mkdir(path: string, mode?: number): void;
  read(path: string): string | null;
  mode(path: string): number | null;
  /** Puts a program on PATH: its body is sh; `$ROOT` and `$KERNEL` are set. */
  program(name: string, body: string): void;
  /** Takes a program away again. */
  forget(name: string): void;
  reset(): void;
  remove(): void;
}

// Blanks, quotes and letters beyond ASCII in the root check the quoting of every path of every script.
const AWKWARD = "it's a «host» $x `y`";

/** None of the machine's own is ever called, whatever a script tries. */
const REFUSED = [
  'ifup',
  'ifdown',
  'setkey',
  'rpm',
  'yum',
  'service',
  'chkconfig',
  'sysctl',
  'racoon',
  'ip',
  'pidof',
  'killall',
];

export function makeHost(shell: TestHost['shell'] = shells[0] ?? ['sh']): TestHost {
  const dir = mkdtempSync(join(tmpdir(), 'module-'));
  const [root, bin, kernel] = [AWKWARD, 'bin', 'kernel'].map((name) => join(dir, name)) as [string, string, string];
  const host: TestHost = {
    shell,
    root,
    kernel,
    write: (path, bytes, mode = 0o644) => {
      mkdirSync(dirname(root + path), { recursive: true });
      writeFileSync(root + path, Buffer.from(bytes, 'latin1'));
      chmodSync(root + path, mode);
    },
    mkdir: (path, mode = 0o755) => {
      mkdirSync(root + path, { recursive: true });
      chmodSync(root + path, mode);
    },
    read: (path) => orNull(() => readFileSync(root + path, 'latin1')),
    mode: (path) => orNull(() => lstatSync(root + path).mode & 0o7777),
    program: (name, body) => {
      writeFileSync(
        join(bin, name),
        `#!/bin/sh\nROOT='${root.replaceAll("'", `'\\''`)}'\nKERNEL='${kernel}'\n${body}\n`,
      );
      chmodSync(join(bin, name), 0o755);
    },
    forget: (name) => rmSync(join(bin, name)),
    reset: () => {
      for (const folder of [root, kernel]) {
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder, { recursive: true });
      }
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
  mkdirSync(bin);
  for (const name of REFUSED) host.program(name, `echo "${name}: refused by the test" >&2; exit 99`);
  host.reset();
  return host;
}

/** Every shell that scripts must run under. */
export const everyShell = shells.map((shell) => [shell.join(' '), shell] as const);

export interface Applied {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const NONCE = 'nonce';

/** Reads the host as the engine does. */
export function probe<Args>(host: TestHost, module: Module<Args, never>, args: Args, facts: Facts = {}): HostState {
  const [output] = probeAll(host, [module.probe(args, facts) as Script]);
  if (!output) throw new Error('the probe has no answer');
  return module.parse(output, args);
}

/** What the host answers to all of these at once. */
export function probeAll(host: TestHost, probes: readonly Script[]): readonly ProbeOutput[] {
  const script = probeScript(probes, NONCE, rendering(host));
  const frames = run(host, `${script.text}\n${SHELL_STATE}`);
  const outputs = script.read(frames);
  if (outputs === null) throw new Error('a file changed while it was read');
  const untouched = run(host, `${probeScript([], NONCE, rendering(host)).text}\n${SHELL_STATE}`).get('shell');
  expect(frames.get('shell'), 'a probe leaves the shell as it was').toEqual(untouched);
  return outputs;
}

/** All probes of a host run in one shell: what one of them changes there, the next one has. */
const SHELL_STATE = `printf '\n@@${NONCE} b shell\n'; pwd; umask; set +o; trap; echo "$IFS"; printf '\n@@${NONCE} f shell 0\n'`;

/** Makes a planned change as the engine does. */
export function apply<Args, Change>(
  host: TestHost,
  module: Module<Args, Change>,
  plan: Plan<Change>,
  args: Args,
  facts: Facts = {},
): Applied {
  if (plan.kind !== 'change') throw new Error(`nothing to apply: ${plan.kind}`);
  const script = render(module.apply(plan.change, args, facts), rendering(host));
  const text = `${prelude(NONCE)}\nip_b t0; ( set -e\n${script}\n) </dev/null; ip_e t0 $?; ip_b done; ip_e done 0`;
  const frame = run(host, text).get('t0');
  if (!frame) throw new Error('the task has not run');
  return frame;
}

export function context(initial: HostState, facts: Facts = {}) {
  return { facts, initial, taskId: 'task' };
}

/** Probes and plans. */
export function look<Args, Change>(host: TestHost, module: Module<Args, Change>, args: Args, facts: Facts = {}) {
  const state = probe(host, module as never, args, facts);
  return { state, plan: module.plan(args, state, context(state, facts)) };
}

/**
 * The laws of the module contract on a real host, for one state and one set of arguments: the probe changes nothing; the
 * plan agrees with itself about what it predicts; applying it makes the prediction true. Gives the plan.
 */
export function expectLaws<Args, Change>(
  host: TestHost,
  module: Module<Args, Change>,
  args: Args,
  facts: Facts = {},
): Plan<Change> {
  const before = treeHash(host);
  const { state, plan } = look(host, module, args, facts);
  expect(treeHash(host), 'a probe changes nothing').toBe(before);
  if (plan.kind !== 'change') return plan;
  const again = { facts, initial: state, taskId: 'task' };
  expect(module.plan(args, state.merge(plan.after), again), 'what is predicted needs no change').toEqual({
    kind: 'ok',
  });

  const applied = apply(host, module, plan, args, facts);
  expect(applied, 'applying succeeds').toMatchObject({ exitCode: 0 });
  const found = probe(host, module as never, args, facts);
  expect(module.plan(args, found.merge(plan.after.runScoped()), again), 'what was done needs no change').toEqual({
    kind: 'ok',
  });
  expect(comparable(found, plan.after), 'it is as predicted').toEqual(comparable(plan.after, found));
  return plan;
}

/** Contents, modes, links and times of everything under the root and of what the programs remember. */
function treeHash(host: TestHost): string {
  const hash = createHash('sha256');
  const visit = (path: string) => {
    const stat = lstatSync(path, { bigint: true });
    hash.update(`${path}|${stat.mode}|${stat.uid}|${stat.gid}|${stat.mtimeNs}|${stat.ino}|`);
    if (stat.isSymbolicLink()) hash.update(readlinkSync(path));
    else if (stat.isFile()) hash.update(readFileSync(path));
    else if (stat.isDirectory()) for (const name of readdirSync(path).sort()) visit(join(path, name));
  };
  for (const folder of [host.root, host.kernel]) visit(folder);
  return hash.digest('hex');
}

// Resources that both states know, without what a prediction cannot know: who the writing user is, and what the
// kernel adds to a policy.
function comparable(state: HostState, other: HostState): unknown {
  const kinds = ['file', 'package', 'sysctl', 'service', 'service-at-boot'].map((kind) => ({
    kind,
    scope: 'host' as const,
  }));
  return kinds.flatMap((kind) =>
    [...state.all<Record<string, unknown> | string | boolean>(kind)]
      .filter(([name]) => other.get(kind, name) !== undefined)
      .map(([name, value]) => {
        const rival = other.get<Record<string, unknown> | string | boolean>(kind, name);
        if (typeof value !== 'object' || typeof rival !== 'object') return [kind.kind, name, value];
        const unknown = (key: string, each: unknown) => (key.length === 3 && each === -1) || each === '';
        const open = ['owner', 'group', 'uid', 'gid'].filter(
          (key) => unknown(key, value[key]) || unknown(key, rival[key]),
        );
        return [kind.kind, name, Object.fromEntries(Object.entries(value).filter(([key]) => !open.includes(key)))];
      }),
  );
}

function rendering(host: TestHost): Rendering {
  return { root: host.root, commandShell: ['sh', '-c'] };
}

function run(host: TestHost, script: string): ReadonlyMap<string, Frame> {
  const [program, ...args] = host.shell;
  const ended = spawnSync(program, [...args, '-s'], {
    input: Buffer.from(script, 'latin1'),
    env: { PATH: `${join(dirname(host.root), 'bin')}:/usr/bin:/bin`, HOME: host.root, LANG: 'C.UTF-8' },
    cwd: '/',
  });
  const frames = new Map<string, Frame>();
  const reader = frameReader(NONCE, { begin: () => {}, end: (frame) => frames.set(frame.id, frame) });
  reader.stdout(ended.stdout.toString('latin1'));
  reader.stderr(ended.stderr.toString('latin1'));
  if (!frames.has('done')) throw new Error(`the script did not end: ${ended.stderr.toString()}`);
  return frames;
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
