import { resolve } from 'node:path';
import { Secret } from '../../model/secret.ts';
import { userInfoOrNull } from '../../transport/ssh-config/tokens.ts';
import { EXIT } from '../exit.ts';
import { isTerminal, standardOutput } from './standard-output.ts';

/** The world outside of a command: everything of `process` that commands use, so that tests can give their own. */
export interface Terminal {
  stdout(text: string): void;
  stderr(text: string): void;
  /** Resolves when everything written has left this process: with what kept stdout from being whole (a full disk), or null. */
  flushed(): Promise<Error | null>;
  /** The stream for live progress; null where stderr is no terminal. */
  readonly progress: NodeJS.WriteStream | null;
  /** stdout is a terminal, on which what was written can be overwritten. Missing: it is not. */
  readonly screen?: boolean;
  /** How wide that is at this moment, in characters. Missing: not known, or no terminal. */
  readonly columns?: number | undefined;
  /** True once who read stdout has gone away (`| head`): there is nobody to write for. Missing: somebody reads. */
  readonly unread?: boolean;
  /** Somebody is there to answer. */
  readonly interactive: boolean;
  readonly color: { readonly stdout: boolean; readonly stderr: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  readonly user: string;
  /** All of stdin. */
  stdin(): Promise<Buffer>;
  /** Asks for a line; null when nobody answers. `hidden`: nothing is echoed. */
  ask(question: string, options?: { hidden?: boolean }): Promise<string | null>;
  /** Calls back at each SIGINT, SIGTERM and SIGHUP; returns how to stop that. */
  onInterrupt(callback: () => void): () => void;
  /** Whatever is on the screen; `lastWords` are seen there. */
  exitNow(code: number, lastWords?: string): never;
}

export function askSecret(terminal: Terminal, question: string): Promise<Secret | null> {
  return terminal.ask(question, { hidden: true }).then((answer) => (answer === null ? null : new Secret(answer)));
}

export function processTerminal(): Terminal {
  const { env } = process;
  const output = standardOutput();
  const seen = { stdout: isTerminal(1), stderr: isTerminal(2) };
  let asking = false;
  // The live display hides the cursor, and is not asked any more.
  const exitNow = (code: number, lastWords = ''): never => {
    output.show(`${seen.stderr ? SHOW_CURSOR : ''}${lastWords}`);
    process.exit(code);
  };
  let answered: Promise<unknown> = Promise.resolve();
  const ask: Terminal['ask'] = async (question, options = {}) => {
    const { stdin, stderr } = process;
    if (!stdin.isTTY) return null;
    const [{ createInterface }, { Writable }] = await Promise.all([import('node:readline'), import('node:stream')]);
    const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
    asking = true;
    // The echo is off before anybody can see the question: what is typed at once must not show.
    const shown = options.hidden ? { output: silent, prompt: '' } : { output: stderr, prompt: lastLine(question) };
    const lines = createInterface({ input: stdin, ...shown, terminal: true, historySize: 0 });
    output.show(question);
    // After Ctrl-Z and `fg` readline leaves its input paused.
    lines.on('SIGCONT', () => {
      if (options.hidden) output.show(question);
      lines.resume();
    });
    const answer = await new Promise<string | null>((resolve) => {
      lines.once('line', resolve);
      lines.once('close', () => resolve(null));
      // readline takes Ctrl-C for itself; here it means what it means everywhere else.
      lines.once('SIGINT', () => {
        exitNow(EXIT.interrupted, '\n');
      });
    });
    lines.close();
    if (options.hidden || answer === null) output.show('\n');
    asking = false;
    return answer;
  };
  return {
    stdout: output.stdout,
    stderr: output.stderr,
    flushed: output.flushed,
    progress: seen.stderr ? quietWhile(process.stderr, () => asking) : null,
    screen: seen.stdout,
    get columns() {
      return seen.stdout ? process.stdout.columns : undefined;
    },
    get unread() {
      return output.isUnread();
    },
    get interactive() {
      return isTerminal(0) && seen.stderr;
    },
    color: { stdout: wantsColor(seen.stdout, env), stderr: wantsColor(seen.stderr, env) },
    env,
    cwd: process.cwd(),
    // The password database is read when it is needed.
    get home() {
      return whoIsHere(env).home;
    },
    get user() {
      return whoIsHere(env).user;
    },
    stdin: async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
      return Buffer.concat(chunks);
    },
    // One at a time: what is typed is the answer to one question.
    ask: (question, options) => {
      const answer = answered.then(() => ask(question, options));
      answered = answer.catch(() => {});
      return answer;
    },
    onInterrupt: (callback) => {
      for (const signal of STOPPING) process.on(signal, callback);
      return () => {
        for (const signal of STOPPING) process.off(signal, callback);
      };
    },
    exitNow,
  };
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1);
}

/** As a shell has it in $USER and $HOME; without one (cron, `docker exec`, systemd) as the password database has it. */
export function whoIsHere(env: Readonly<Record<string, string | undefined>>): Pick<Terminal, 'home' | 'user'> {
  const user = env.USER || env.LOGNAME;
  const { HOME: home } = env;
  if (user && home) return { home: resolve(home), user };
  const { username, homedir } = userInfoOrNull() ?? { username: 'root', homedir: '/' };
  return { home: resolve(home || homedir), user: user || username };
}

const SHOW_CURSOR = '\x1b[?25h';

/** SIGHUP: the terminal went away. It must not end an apply in the middle any more than Ctrl-C. */
const STOPPING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * A stream for the live display, which must not draw over a question that waits for its answer. listr2 keeps the `write`
 * that it finds, puts one of its own in its place, which holds back what others write, and in the end puts back what it found.
 */
function quietWhile(stream: NodeJS.WriteStream, asking: () => boolean): NodeJS.WriteStream {
  const write = stream.write.bind(stream);
  const draw = (...given: Parameters<typeof write>) => asking() || write(...given);
  return new Proxy(stream, {
    get: (target, name) => {
      if (name === 'write') return draw;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value === draw ? write : value, target),
  });
}

/** https://no-color.org and the FORCE_COLOR that CI systems set. */
function wantsColor(onTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0') return true;
  return onTerminal && env.TERM !== 'dumb';
}
