import { readFileSync } from 'node:fs';
import { Secret } from '../model/secret.ts';
import { makeRedactor } from './redact.ts';

/** Where secrets come from when they do not stand in the file itself. */
export interface SecretSources {
  env(name: string): string | undefined;
  /** The text of a file. */
  file(path: string): string | SecretFault;
  /** What a command prints on stdout. Never rejects. */
  command(argv: readonly string[]): Promise<string | SecretFault>;
  /** Opens texts of Ansible Vault in parallel, before they are asked for one by one. */
  openAll?(envelopes: readonly string[]): Promise<void>;
}

/** Why a secret cannot be had, for people: no secret is in it. */
export interface SecretFault {
  readonly fault: 'missing' | 'unreadable' | 'not-text' | 'not-found' | 'failed' | 'timeout';
  readonly why: string;
}

/** The real sources: this machine's files and commands, and the environment that is given. */
export function secretSources(options: {
  env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds that a command may take. */
  timeout?: number;
}): SecretSources {
  const inTurn = limited(8);
  return {
    env: (name) => options.env[name],
    file: readText,
    command: (argv) => inTurn(() => run(argv, options.env, options.timeout ?? 60_000)),
  };
}

/** Sources that are asked for each secret once, however often it is wanted: a command may ask somebody. */
export function rememberedSources(sources: SecretSources): SecretSources {
  const printed = new Map<string, Promise<string | SecretFault>>();
  return {
    ...sources,
    command: (argv) => {
      const id = JSON.stringify(argv);
      const running = printed.get(id) ?? sources.command(argv);
      printed.set(id, running);
      return running;
    },
  };
}

function readText(path: string): string | SecretFault {
  try {
    const bytes = readFileSync(path);
    return decode(bytes) ?? { fault: 'not-text', why: 'it is not UTF-8 text' };
  } catch (cause) {
    const code = errorCode(cause);
    if (code === 'ENOENT') return { fault: 'missing', why: 'there is no such file' };
    if (code === 'EACCES') return { fault: 'unreadable', why: 'you may not read it' };
    if (code === 'EISDIR') return { fault: 'unreadable', why: 'it is a directory' };
    return { fault: 'unreadable', why: code };
  }
}

async function run(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  timeout: number,
): Promise<string | SecretFault> {
  // Most inventories run no command, and the module takes a while to load.
  const { execFile } = await import('node:child_process');
  const [program = '', ...args] = argv;
  return new Promise((resolve) => {
    const options = { env, timeout, maxBuffer: 1 << 20, encoding: 'buffer', windowsHide: true } as const;
    let child: ReturnType<typeof execFile>;
    try {
      child = execFile(program, args, options, (cause, stdout, stderr) => {
        if (cause) resolve(explain(cause, timeout, stdout, stderr));
        else resolve(decode(stdout) ?? { fault: 'not-text', why: 'it printed something that is not UTF-8 text' });
      });
    } catch {
      // An empty program name, or a NUL in an argument.
      resolve({ fault: 'not-found', why: 'it is no command that can be run' });
      return;
    }
    child.stdin?.on('error', () => {});
    child.stdin?.end();
  });
}

function explain(
  cause: Error & { code?: unknown; killed?: boolean; signal?: unknown },
  timeout: number,
  stdout: Buffer,
  stderr: Buffer,
): SecretFault {
  if (cause.code === 'ENOENT') return { fault: 'not-found', why: 'there is no such command' };
  if (cause.code === 'EACCES') return { fault: 'not-found', why: 'it may not be executed' };
  if (cause.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return { fault: 'failed', why: 'it printed too much' };
  if (cause.killed) return { fault: 'timeout', why: `it did not end within ${timeout / 1000} s` };
  const how =
    typeof cause.code === 'number' ? `exit code ${cause.code}` : `ended by ${String(cause.signal ?? cause.code)}`;
  const said = complaint(stdout, stderr);
  return { fault: 'failed', why: said === '' ? how : `${how}: ${said}` };
}

/** The last words on stderr, without what the command had already given away on stdout. */
function complaint(stdout: Buffer, stderr: Buffer): string {
  const redactor = makeRedactor();
  for (const line of stdout.toString('utf8').split('\n')) if (line.trim() !== '') redactor.add(new Secret(line.trim()));
  const lines = redactor.redact(stderr.toString('utf8')).trim().split(/\r?\n/);
  return lines.slice(-3).join(' | ').slice(-300);
}

function decode(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined;
}

function errorCode(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
}

/** At most `most` at once: password programs often lock each other out. */
function limited(most: number): <T>(start: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (start) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    try {
      return await start();
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  };
}
