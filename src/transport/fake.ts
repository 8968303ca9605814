import type { Target } from '../model/host.ts';
import { localTransport } from './local.ts';
import {
  ConnectFault,
  type Connection,
  type Leg,
  type Shell,
  type ShellEnd,
  type ShellOutput,
  type Transport,
} from './transport.ts';

/** A host that is not there: what it does when it is connected to, and what its shells do. */
export interface FakeHost {
  /** Connecting fails with this. */
  readonly refuse?: ConnectFault;
  /** Milliseconds before it answers a connection. */
  readonly delay?: number;
  readonly path?: readonly Leg[];
  shell(session: FakeSession): void | Promise<void>;
}

/** One shell on a fake host, from the inside. A session that returns without an end exits with 0. */
interface FakeSession {
  readonly target: Target;
  readonly program: string;
  /** How many shells this host had before. */
  readonly number: number;
  stdout(bytes: string): void;
  stderr(bytes: string): void;
  /** The next bytes from stdin; `null`: it was closed, or the connection is gone. */
  read(): Promise<string | null>;
  /** All from stdin up to and with `text`; `null` where it never comes. */
  readUntil(text: string): Promise<string | null>;
  exit(code: number): void;
  signal(name: string): void;
  /** Breaks the connection. */
  lose(why: string): void;
}

/** What happened on a fake host: each shell's program and all that was written to its stdin. */
interface FakeRecord {
  readonly host: string;
  readonly program: string;
  stdin: string;
}

export interface FakeTransport extends Transport {
  readonly records: readonly FakeRecord[];
  /** Names of the hosts, once a connection to each. */
  readonly connections: readonly string[];
  /** How many connections are open now. */
  readonly open: number;
}

/** Hosts by name, for tests of what uses a transport. A host that is not among them is refused as unknown to DNS. */
export function fakeTransport(hosts: Readonly<Record<string, FakeHost>>): FakeTransport {
  const records: FakeRecord[] = [];
  const connections: string[] = [];
  let open = 0;
  return {
    records,
    connections,
    get open() {
      return open;
    },
    connect: async (target) => {
      const host = hosts[target.name];
      if (!host) throw new ConnectFault('dns', `there is no address for the name ${target.address}`);
      if (host.delay !== undefined) await new Promise((resolve) => setTimeout(resolve, host.delay));
      if (host.refuse) throw host.refuse;
      connections.push(target.name);
      open += 1;
      return fakeConnection(host, target, records, () => {
        open -= 1;
      });
    },
  };
}

/**
 * A fake host whose shells are real ones of this machine, in a folder of their own; scripts must be rendered under it.
 * `loseAt`: the connection breaks as soon as this text was printed.
 */
export function shellHost(options: {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly loseAt?: string;
}): FakeHost {
  const local = localTransport({ cwd: options.cwd, env: options.env ?? { PATH: '/usr/bin:/bin', HOME: options.cwd } });
  return {
    shell: async (session) => {
      const { become: _, ...target } = session.target;
      const connection = await local.connect(target);
      let printed = '';
      const shell = await connection.shell(session.program, {
        stdout: (bytes) => {
          session.stdout(bytes);
          if (options.loseAt === undefined) return;
          printed += bytes;
          if (printed.includes(options.loseAt)) session.lose('the cable was pulled');
        },
        stderr: (bytes) => session.stderr(bytes),
      });
      void feed(session, shell);
      const end = await shell.ended;
      if (end.kind === 'exit') session.exit(end.code);
      else if (end.kind === 'signal') session.signal(end.signal);
      else session.lose(end.why);
    },
  };
}

async function feed(session: FakeSession, shell: Shell): Promise<void> {
  for (let bytes = await session.read(); bytes !== null; bytes = await session.read()) await shell.write(bytes);
  shell.end();
}

function fakeConnection(host: FakeHost, target: Target, records: FakeRecord[], closed: () => void): Connection {
  const running = new Set<(end: ShellEnd) => void>();
  let broken: string | null = null;
  let isClosed = false;
  let number = records.filter((record) => record.host === target.name).length;
  const lose = (why: string) => {
    broken ??= why;
    for (const end of [...running]) end({ kind: 'lost', why });
  };
  return {
    ...(host.path === undefined ? {} : { path: host.path }),
    shell: async (program, output) => {
      if (broken !== null || isClosed)
        throw new ConnectFault('lost', `the connection was lost: ${broken ?? 'it was closed'}`);
      const record: FakeRecord = { host: target.name, program, stdin: '' };
      records.push(record);
      const { shell, session, finish } = fakeShell(record, output, { target, number, lose });
      number += 1;
      running.add(finish);
      void shell.ended.then(() => running.delete(finish));
      // After this call has returned its shell, as with a real host.
      setImmediate(async () => {
        await host.shell(session);
        finish({ kind: 'exit', code: 0 });
      });
      return shell;
    },
    close: async () => {
      if (!isClosed) closed();
      isClosed = true;
      for (const end of [...running]) end({ kind: 'lost', why: 'the connection was closed' });
    },
  };
}

function fakeShell(
  record: FakeRecord,
  output: ShellOutput,
  host: { readonly target: Target; readonly number: number; lose(why: string): void },
): { shell: Shell; session: FakeSession; finish: (end: ShellEnd) => void } {
  let finish: (end: ShellEnd) => void = () => {};
  let over = false;
  let unread = '';
  let closed = false;
  let wake: () => void = () => {};
  const ended = new Promise<ShellEnd>((resolve) => {
    finish = (end) => {
      over = true;
      wake();
      resolve(end);
    };
  });
  const more = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  const session: FakeSession = {
    target: host.target,
    program: record.program,
    number: host.number,
    stdout: (bytes) => {
      if (!over) output.stdout(bytes);
    },
    stderr: (bytes) => {
      if (!over) output.stderr(bytes);
    },
    read: async () => {
      while (unread === '' && !closed && !over) await more();
      if (unread === '') return null;
      const bytes = unread;
      unread = '';
      return bytes;
    },
    readUntil: async (text) => {
      while (!unread.includes(text) && !closed && !over) await more();
      const end = unread.indexOf(text);
      if (end < 0) return null;
      const bytes = unread.slice(0, end + text.length);
      unread = unread.slice(end + text.length);
      return bytes;
    },
    exit: (code) => finish({ kind: 'exit', code }),
    signal: (name) => finish({ kind: 'signal', signal: name }),
    lose: (why) => {
      finish({ kind: 'lost', why });
      host.lose(why);
    },
  };
  const shell: Shell = {
    write: async (bytes) => {
      if (over || closed) return;
      record.stdin += bytes;
      unread += bytes;
      wake();
    },
    end: () => {
      closed = true;
      wake();
    },
    ended,
  };
  return { shell, session, finish: (end) => finish(end) };
}
