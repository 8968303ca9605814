import type { Target } from '../model/host.ts';
import { ConnectFault, type Connection, type Shell, type ShellEnd, type Transport } from '../transport/transport.ts';
import { type Frame, frameReader } from './frames.ts';

/**
 * One connection and one shell on a host, in which scripts run one after another. The first one is the shell's own
 * command, so that it costs no round trip of its own; it ends by becoming a shell that waits for the next.
 */
export interface Session {
  /** Runs a script that ends with a frame `done`. Rejects with a {@link ConnectFault} when the host is lost meanwhile. */
  run(script: string, listener?: Partial<ExchangeListener>): Promise<ReadonlyMap<string, Frame>>;
  /** Sends TERM to a process of the same user on the host, over a shell of its own. */
  terminate(pid: number): Promise<void>;
  close(): Promise<void>;
}

export interface ExchangeListener {
  begin(id: string): void;
  end(frame: Frame): void;
}

export async function openSession(transport: Transport, target: Target, nonce: string): Promise<Session> {
  const connection = await transport.connect(target);
  return session(connection, nonce);
}

function session(connection: Connection, nonce: string): Session {
  let shell: Promise<Shell> | null = null;
  let frames = new Map<string, Frame>();
  let listener: Partial<ExchangeListener> = {};
  let settle: { resolve(): void; reject(fault: ConnectFault): void } | null = null;
  let over: ConnectFault | null = null;
  let lastWords = '';

  const reader = frameReader(nonce, {
    begin: (id) => {
      if (id !== 'done') listener.begin?.(id);
    },
    end: (frame) => {
      if (frame.id === 'done') {
        settle?.resolve();
        return;
      }
      frames.set(frame.id, frame);
      listener.end?.(frame);
    },
  });
  const output = {
    stdout: reader.stdout,
    stderr: (bytes: string) => {
      lastWords = lastLines(lastWords + bytes);
      reader.stderr(bytes);
    },
  };
  const send = async (script: string): Promise<void> => {
    if (shell !== null) return (await shell).write(`${script}\n`);
    shell = connection.shell(`${script}; exec sh`, output);
    const opened = await shell;
    void opened.ended.then((end) => {
      over = new ConnectFault('lost', farewell(end, lastWords, nonce));
      settle?.reject(over);
    });
  };

  return {
    run: async (script, heard = {}) => {
      if (over !== null) throw over;
      frames = new Map();
      listener = heard;
      const done = new Promise<void>((resolve, reject) => {
        settle = { resolve, reject };
      });
      // Both may fail, and either alone ends the exchange.
      done.catch(() => {});
      await Promise.all([send(script), done]);
      settle = null;
      return frames;
    },
    terminate: async (pid) => {
      const killer = await connection.shell(`kill -TERM ${Math.trunc(pid)}`, { stdout: () => {}, stderr: () => {} });
      killer.end();
      await killer.ended;
    },
    close: async () => {
      const opened = await Promise.resolve(shell).catch(() => null);
      opened?.end();
      await connection.close();
    },
  };
}

/** How the shell ended, and what it said last. */
function farewell(end: ShellEnd, lastWords: string, nonce: string): string {
  const why = end.kind === 'lost' ? end.why : end.kind === 'signal' ? `signal ${end.signal}` : `exit ${end.code}`;
  const said = lastWords
    .trim()
    .split('\n')
    .filter((line) => !line.includes(nonce))
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
