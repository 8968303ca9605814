import { type ChildProcess, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { ConnectFault } from './transport.ts';

export interface ProxyProcess {
  readonly duplex: Duplex;
  /** How it ended, with the last of what it said on stderr; `null`: it still runs. */
  ended(): string | null;
}

/**
 * Runs a ProxyCommand as ssh(1) does, in place of a connection. It has a process group of its own: Ctrl-C at the terminal
 * would end it, and with it the host's connection in the middle of an apply; and all it started is ended with it.
 */
export function proxyCommand(
  command: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ProxyProcess> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', `exec ${command}`], { stdio: 'pipe', detached: true, env });
    endWithUs(child);
    const { stdin, stdout, stderr } = child;
    let said = '';
    let isOver = false;
    const duplex = new Duplex({
      allowHalfOpen: false,
      read: () => {
        stdout.resume();
      },
      write: (chunk: Buffer, _encoding, done) => {
        // EPIPE: it has ended, and how it did says more.
        stdin.write(chunk, () => done());
      },
      final: (done) => {
        // Not after it: of a process that is gone nobody hears that it was.
        stdin.end();
        done();
      },
      destroy: (error, done) => {
        end(child);
        done(error);
      },
    });
    const over = () => {
      if (isOver) return;
      isOver = true;
      duplex.push(null);
    };
    stdout.on('data', (chunk: Buffer) => {
      if (!isOver && !duplex.push(chunk)) stdout.pause();
    });
    // Its last words and its exit code come a little later or earlier than the end of its stdout, in any order.
    stdout.on('end', () => {
      if (isGone(child)) setTimeout(over, LAST_WORDS);
      else {
        child.once('exit', () => setTimeout(over, LAST_WORDS));
        setTimeout(over, 10 * LAST_WORDS).unref();
      }
    });
    stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-2000);
    });
    for (const stream of [stdin, stdout, stderr, duplex]) stream.on('error', () => {});
    child.on('error', (error) => {
      reject(new ConnectFault('proxy', `ProxyCommand cannot be started: ${error.message}`, 'sh must be in PATH.'));
      duplex.destroy();
    });
    child.on('spawn', () => resolve({ duplex, ended: () => (isGone(child) ? epitaph(child, said) : null) }));
  });
}

/** Milliseconds. */
const LAST_WORDS = 20;

function isGone({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function epitaph({ exitCode, signalCode }: ChildProcess, said: string): string {
  const how = exitCode === null ? `signal ${signalCode}` : `exit code ${exitCode}`;
  const lines = said
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[^\P{Cc}\t]/gu, '').trim())
    .filter((line) => line !== '');
  return lines.length === 0 ? how : `${how}: ${lines.slice(-3).join('; ')}`;
}

/** Its whole group, and for good when it does not heed that. */
function end(child: ChildProcess): void {
  if (isGone(child)) return;
  signalGroup(child, 'SIGTERM');
  const stubborn = setTimeout(() => signalGroup(child, 'SIGKILL'), 1000);
  child.once('exit', () => clearTimeout(stubborn));
}

function signalGroup({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // ESRCH: it is gone already.
  }
}

const running = new Set<ChildProcess>();

/** A second Ctrl-C leaves at once: nobody ends the connections then, and the terminal does not reach the commands. */
function endWithUs(child: ChildProcess): void {
  if (running.size === 0) process.on('exit', endAll);
  running.add(child);
  const over = () => {
    running.delete(child);
    if (running.size === 0) process.off('exit', endAll);
  };
  child.once('exit', over);
  child.once('error', over);
}

function endAll(): void {
  for (const child of running) signalGroup(child, 'SIGTERM');
}
