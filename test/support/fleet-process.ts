import { type ChildProcess, spawn } from 'node:child_process';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads on stdin; `open`: what `write` gives it. Default: nothing. */
  readonly input?: string | { readonly open: true };
  /** Milliseconds until it is killed, which makes `code` null. Default: a minute. */
  readonly timeout?: number;
}

export interface Ran {
  /** `null`: ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ran>;
  /** What it has said so far. */
  said(): { readonly stdout: string; readonly stderr: string };
  /** Resolves when this was said on stdout or stderr; rejects with all that was said when it ends before. */
  heard(pattern: RegExp): Promise<void>;
  write(text: string): void;
  signal(name: NodeJS.Signals): void;
}

/** Runs a command with the network of the process `pid`, and all else as this machine has it. */
export function runInNetwork(pid: number, argv: readonly string[], options: RunOptions): Running {
  return run(['nsenter', `--net=/proc/${pid}/ns/net`, '--', ...argv], options);
}

export function run(argv: readonly string[], options: RunOptions = {}): Running {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  child.stdin?.on('error', () => {});
  if (typeof options.input === 'string') child.stdin?.end(options.input, 'latin1');
  const said = collect(child);
  const limit = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? 60_000);
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(limit);
      resolve({ code, ...said() });
    });
  });
  return {
    pid: child.pid ?? 0,
    ended,
    said,
    heard: (pattern) =>
      new Promise((resolve, reject) => {
        const listen = () => {
          if (pattern.test(`${said().stdout}${said().stderr}`)) resolve();
        };
        child.stdout?.on('data', listen);
        child.stderr?.on('data', listen);
        void ended.then((ran) => reject(new Error(`ended before ${pattern}: ${JSON.stringify(ran)}`)), reject);
        listen();
      }),
    write: (text) => void child.stdin?.write(text),
    signal: (name) => void child.kill(name),
  };
}

function collect(child: ChildProcess): () => { stdout: string; stderr: string } {
  const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  child.stdout?.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
  return () => ({
    stdout: Buffer.concat(chunks.stdout).toString('utf8'),
    stderr: Buffer.concat(chunks.stderr).toString('utf8'),
  });
}

/** A process that holds namespaces. It ends when its stdin does, so it cannot outlive this process. */
export interface Held {
  readonly child: ChildProcess;
  readonly pid: number;
  log(): string;
  /** Resolves when `line` was printed; rejects with all that was printed when it ends before. */
  said(line: string): Promise<void>;
  kill(): Promise<void>;
}

export function hold(argv: readonly string[]): Held {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin?.on('error', () => {});
  let log = '';
  let heard: () => void = () => {};
  const listen = (chunk: Buffer) => {
    log += chunk.toString('latin1');
    heard();
  };
  child.stdout?.on('data', listen);
  child.stderr?.on('data', listen);
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      log += error.message;
      resolve();
    });
    child.once('exit', () => resolve());
  });
  let isOver = false;
  void ended.then(() => {
    isOver = true;
    heard();
  });
  return {
    child,
    pid: child.pid ?? 0,
    log: () => log,
    said: (line) =>
      new Promise((resolve, reject) => {
        heard = () => {
          if (log.includes(line)) resolve();
          else if (isOver) reject(new Error(`${argv.slice(0, 2).join(' ')} ended before '${line}': ${log}`));
        };
        heard();
      }),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
