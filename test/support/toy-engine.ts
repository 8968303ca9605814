import { spawn } from 'node:child_process';
import type { RunEvent } from '../../src/engine/events.ts';
import type { AnyModule, Module } from '../../src/engine/module.ts';
import { type RunInput, type RunOutcome, run } from '../../src/engine/run.ts';
import { path, readFiles, sh, writeFile } from '../../src/engine/sh.ts';
import { holdEvery } from '../../src/engine/transaction/keeper.ts';
import { fileResource, HostState, resourceKind } from '../../src/model/host-state.ts';
import { type CompiledPlay, known, type Task } from '../../src/model/task.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { realTimer } from './fake-timer.ts';

/** Two modules, small enough to see what the engine makes of them: a file of a text, and an action that runs each time. */
export interface WriteArgs {
  path: string;
  text: string;
  /** Shell that runs after the write. */
  then?: string;
  blocked?: boolean;
  unknownUntil?: string;
}

const write: Module<WriteArgs, null> = {
  name: 'write',
  summary: '',
  args: {},
  probe: (args) => readFiles([args.path]),
  parse: (output, args) =>
    HostState.empty.with(fileResource, args.path, output.files.get(args.path) ?? { kind: 'absent' }),
  plan: (args, state) => {
    if (args.blocked) return { kind: 'blocked', why: 'it must not be' };
    const file = state.get(fileResource, args.path);
    if (file === undefined) throw new Error('nobody probed it');
    if (file.kind === 'file' && file.bytes === args.text) return { kind: 'ok' };
    const before = file.kind === 'file' ? [file.bytes ?? ''] : null;
    const written = {
      kind: 'file',
      mode: 0o600,
      owner: 'root',
      group: 'root',
      uid: 0,
      gid: 0,
      bytes: args.text,
    } as const;
    return {
      kind: 'change',
      change: null,
      after: HostState.empty.with(fileResource, args.path, written),
      diff: [{ path: args.path, before, after: [args.text] }],
    };
  },
  apply: (_, args) =>
    sh`${writeFile({ path: args.path, content: [args.text], mode: 0o600 })}${args.then === undefined ? sh`:` : sh`eval ${args.then}`}`,
};

const ran = resourceKind<true>('ran', 'run');

const action: Module<{ script: string; disruptive?: string }, null> = {
  name: 'action',
  summary: '',
  args: {},
  probe: () => readFiles([]),
  parse: () => HostState.empty,
  plan: (args, state, context) =>
    state.get(ran, context.taskId)
      ? { kind: 'ok' }
      : {
          kind: 'change',
          change: null,
          after: HostState.empty.with(ran, context.taskId, true),
          diff: [],
          ...(args.disruptive === undefined ? {} : { disruptive: args.disruptive }),
        },
  apply: (_, args) => sh`cd ${path('/')}\neval ${args.script}`,
};

export const toyModules: ReadonlyMap<string, AnyModule> = new Map<string, AnyModule>([
  ['write', write],
  ['action', action],
]);

export function task(id: string, module: 'write' | 'action', args: object, more: Partial<Task> = {}): Task {
  return {
    id,
    name: `task ${id}`,
    module,
    args: known({ ...args }),
    tunnel: null,
    when: known(true),
    triggers: null,
    ignoreErrors: false,
    tags: [],
    span: null,
    ...more,
  };
}

export function play(hosts: Readonly<Record<string, readonly Task[]>>, more: Partial<CompiledPlay> = {}): CompiledPlay {
  return {
    name: 'play',
    serial: [],
    hosts: Object.entries(hosts).map(([host, tasks]) => ({ host, tasks, become: null })),
    ...more,
  } as CompiledPlay;
}

/** Runs real scripts with the machine's sh, each host in its own folder; counts the exchanges. */
export function shellTransport(
  options: {
    connects?: string[];
    writes?: string[];
    shell?: readonly [string, ...string[]];
    /** Milliseconds by which stderr comes later than stdout: nothing orders the two against each other. */
    lateStderr?: number;
  } = {},
): Transport {
  const [program, ...words] = options.shell ?? ['sh'];
  return {
    connect: async (target) => {
      options.connects?.push(target.name);
      return {
        shell: async (script, output) => {
          const child = spawn(program, [...words, '-c', Buffer.from(script, 'latin1').toString('utf8')]);
          child.stdin.on('error', () => {});
          child.stdout.on('data', (data: Buffer) => output.stdout(data.toString('latin1')));
          child.stderr.on('data', (data: Buffer) => {
            const hear = () => output.stderr(data.toString('latin1'));
            if (options.lateStderr === undefined) hear();
            else setTimeout(hear, options.lateStderr);
          });
          return {
            write: async (bytes) => {
              options.writes?.push(bytes);
              child.stdin.write(Buffer.from(bytes, 'latin1'));
            },
            end: () => child.stdin.end(),
            ended: new Promise((resolve) => child.on('close', (code) => resolve({ kind: 'exit', code: code ?? 1 }))),
          };
        },
        close: async () => {},
      };
    },
  };
}

const PATIENCE = { confirm: 30, gone: 6, prepared: 60 };

/** Milliseconds between two signs of life to a host. */
export const SIGN_OF_LIFE = holdEvery(PATIENCE);

let runs = 0;
function transaction(): RunInput['transaction'] {
  runs += 1;
  const id = `toy${runs}`;
  return { id, owner: ['who nobody@nowhere'], patience: PATIENCE, confirm: 'auto', last: new Set() };
}

export interface ToyRun extends RunOutcome {
  readonly events: readonly RunEvent[];
  /** `host task status` of every task. */
  readonly statuses: readonly string[];
}

export async function toyRun(
  root: string,
  plays: readonly CompiledPlay[],
  more: Partial<RunInput> = {},
): Promise<ToyRun> {
  const events: RunEvent[] = [];
  let nonces = 0;
  const outcome = await run({
    command: 'apply',
    plays,
    target: ({ host }) => ({ name: host, connection: 'local', address: 'localhost', port: 22, connectTimeout: 5 }),
    transport: shellTransport(),
    rendering: (host) => ({ root: `${root}/${host}`, commandShell: ['sh', '-c'] }),
    modules: toyModules,
    redaction: { redact: (text) => text, fingerprint: () => 'fp' },
    clock: () => performance.now(),
    nonce: () => {
      nonces += 1;
      return `n${nonces}x`;
    },
    forks: 8,
    stop: { requested: false, onRequest: () => () => {} },
    limits: { command: null, total: null, spent: 0, timer: realTimer },
    agreed: null,
    transaction: transaction(),
    ...more,
    emit: (event) => {
      events.push(event);
      more.emit?.(event);
    },
  });
  const statuses = [...outcome.hosts].flatMap(([host, { tasks }]) =>
    tasks.map(({ id, status }) => `${host} ${id} ${status}`),
  );
  return { ...outcome, events, statuses };
}
