import type { Target } from '../model/host.ts';
import {
  ConnectFault,
  type Connection,
  type Leg,
  type Shell,
  type ShellEnd,
  type Transport,
} from '../transport/transport.ts';
import { ALL_ENDED, endTasksScript, readPid, type ShellProcess, terminateScript } from './end-tasks.ts';
import { type Frame, frameReader } from './frames.ts';
import { type Lane, stepByStep, timed, untraced } from './trace.ts';

/**
 * One connection and one shell on a host, in which scripts run one after another. The first one is the shell's own
 * command, so that it costs no round trip of its own; it ends by waiting for the next.
 */
export interface Session {
  /** Runs a script that ends with a frame `done`. Rejects with a {@link ConnectFault} when the host is lost meanwhile. */
  run(script: string, listener?: Partial<ExchangeListener>): Promise<ReadonlyMap<string, Frame>>;
  /** Writes a line to the shell's stdin: a script that reads one goes on. */
  answer(line?: string): Promise<void>;
  /** Lets the running task of the script end, and nothing after it begin. Over a shell of its own. */
  terminate(): Promise<void>;
  /** Ends the script and all that it runs; `left` where something of it is still there, or nothing could be done. */
  endTasks(): Promise<'ended' | 'left'>;
  /** Never waits for what runs. */
  close(): Promise<void>;
  /** The way that the connection takes; null where that is not known. */
  path(): readonly Leg[] | null;
}

export interface ExchangeListener {
  /** Names the exchange in a trace. */
  readonly step: string;
  begin(id: string): void;
  end(frame: Frame): void;
}

export async function openSession(
  transport: Transport,
  target: Target,
  nonce: string,
  lane: Lane = untraced,
): Promise<Session> {
  const steps = stepByStep(lane);
  const connected = lane('connect');
  try {
    const connection = await transport.connect(target, steps.next);
    return session(connection, nonce, lane);
  } finally {
    steps.ended();
    connected();
  }
}

function session(connection: Connection, nonce: string, lane: Lane): Session {
  let shell: Promise<Shell> | null = null;
  let opened: Shell | null = null;
  /** It is not a shell yet that reads scripts: see {@link AND_THEN}. */
  let waits = false;
  /** Only while a script runs that knows what a TERM means; before and after it would end the shell. */
  let shellProcess: ShellProcess | null = null;
  let terminated = false;
  let frames = new Map<string, Frame>();
  let listener: Partial<ExchangeListener> = {};
  let settle: { resolve(): void; reject(fault: ConnectFault): void } | null = null;
  let over: ConnectFault | null = null;
  let lastWords = '';
  let received = 0;

  const reader = frameReader(nonce, {
    begin: (id) => {
      if (id === 'done') shellProcess = null;
      else if (id !== 'pid') listener.begin?.(id);
    },
    end: (frame) => {
      if (frame.id === 'done') {
        settle?.resolve();
        return;
      }
      if (frame.id === 'pid') {
        shellProcess = readPid(frame.stdout);
        if (terminated) void alongside(terminateScript).catch(() => {});
        return;
      }
      frames.set(frame.id, frame);
      listener.end?.(frame);
    },
  });
  const output = {
    stdout: (bytes: string) => {
      received += bytes.length;
      reader.stdout(bytes);
    },
    stderr: (bytes: string) => {
      received += bytes.length;
      lastWords = lastLines(lastWords + bytes);
      reader.stderr(bytes);
    },
  };
  const send = async (script: string): Promise<void> => {
    // One line feed: a script that reads a line would take another one for its answer.
    const text = script.trimEnd();
    if (shell !== null) {
      const first = waits ? '\n' : '';
      waits = false;
      return (await shell).write(`${first}${text}\n`);
    }
    waits = true;
    shell = connection.shell(`${text}; ${AND_THEN}`, output);
    opened = await shell;
    void opened.ended.then((end) => {
      over = new ConnectFault('lost', farewell(end, lastWords, nonce));
      settle?.reject(over);
    });
  };

  /** What a script about the shell's process prints, run beside it as the same user. */
  const alongside = async (script: (of: ShellProcess) => string): Promise<string> => {
    if (shellProcess === null) return '';
    let printed = '';
    const beside = await connection.shell(script(shellProcess), {
      stdout: (bytes) => {
        printed += bytes;
      },
      stderr: () => {},
    });
    beside.end();
    await beside.ended;
    return printed;
  };

  return {
    run: async (script, heard = {}) => {
      if (over !== null) throw over;
      frames = new Map();
      shellProcess = null;
      terminated = false;
      listener = heard;
      const done = new Promise<void>((resolve, reject) => {
        settle = { resolve, reject };
      });
      // Both may fail, and either alone ends the exchange.
      done.catch(() => {});
      received = 0;
      const ended = lane(heard.step ?? 'exchange');
      try {
        await Promise.all([send(script), done]);
      } finally {
        ended({ sent: script.length, received });
      }
      settle = null;
      return frames;
    },
    answer: async (line = '') => {
      await opened?.write(`${line}\n`).catch(() => {});
    },
    terminate: async () => {
      terminated = true;
      await alongside(terminateScript);
    },
    endTasks: async () => ((await alongside(endTasksScript)).includes(ALL_ENDED) ? 'ended' : 'left'),
    close: async () => {
      opened?.end();
      await timed(lane, 'close', connection.close());
    },
    path: () => connection.path ?? null,
  };
}

/** Most hosts are only looked at. So a line comes first, and only who gets it becomes a shell for what follows. */
const AND_THEN = 'IFS= read -r ip_l && exec sh';

/** How the shell ended, and what it said last. */
function farewell(end: ShellEnd, lastWords: string, nonce: string): string {
  const why = end.kind === 'lost' ? end.why : end.kind === 'signal' ? `signal ${end.signal}` : `exit ${end.code}`;
  const said = lastWords
    .trim()
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.includes(nonce))
    .slice(-3)
    .join('; ');
  return `the shell on the host ended (${why})${said === '' ? '' : `: ${said}`}`;
}

/** The end of a text, in whole lines: half a secret would not be recognised as one. */
function lastLines(text: string): string {
  if (text.length <= 2000) return text;
  const start = text.indexOf('\n', text.length - 2000);
  return start === -1 ? '' : text.slice(start + 1);
}
