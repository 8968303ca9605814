import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { afterExit } from './after-exit.ts';
import { launch } from './become.ts';
import { type Process, type ProcessEvents, startShell } from './start.ts';
import { ConnectFault, type ShellEnd, type Transport } from './transport.ts';

export interface LocalOptions {
  /** The environment of what is started; default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** This machine itself, for `ansible_connection: local`: a child process in place of a connection. */
export function localTransport(options: LocalOptions = {}): Transport {
  return {
    connect: async (target) => {
      const running = new Set<Process>();
      return {
        shell: (program, output) =>
          startShell(
            async (command, events) => {
              const process = await start(command, options, events);
              running.add(process);
              return process;
            },
            launch(program, target.become, randomBytes(12).toString('hex')),
            output,
            target.connectTimeout ?? 20,
          ),
        close: async () => {
          for (const process of running) process.abandon();
        },
      };
    },
  };
}

function start(command: string, options: LocalOptions, events: ProcessEvents): Promise<Process> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', command], { stdio: 'pipe', env: options.env, cwd: options.cwd });
    const { stdin, stdout, stderr } = child;
    let over = false;
    const finish = (end: ShellEnd) => {
      if (over) return;
      over = true;
      silence.cancel();
      for (const stream of [stdin, stdout, stderr]) stream.destroy();
      events.ended(end);
    };
    const silence = afterExit(() => finish(endOf(child.exitCode, child.signalCode)));
    stdout.on('data', (chunk: Buffer) => {
      silence.heard();
      events.stdout(chunk.toString('latin1'));
    });
    stderr.on('data', (chunk: Buffer) => {
      silence.heard();
      events.stderr(chunk.toString('latin1'));
    });
    // EPIPE: it ended without reading all; how it ended says more.
    stdin.on('error', () => {});
    child.on('error', (error) => {
      reject(new ConnectFault('network', `sh cannot be started on this machine: ${error.message}`));
      finish({ kind: 'lost', why: error.message });
    });
    child.on('exit', silence.exited);
    child.on('close', (code, signal) => finish(endOf(code, signal)));
    child.on('spawn', () =>
      resolve({
        write: (bytes, taken) => {
          stdin.write(Buffer.from(bytes, 'latin1'), () => taken());
        },
        end: () => stdin.end(),
        // As over SSH: it sees the end of its stdin and nobody reads its output; what it is doing is not killed half-way.
        abandon: () => {
          child.unref();
          finish({ kind: 'lost', why: 'it was abandoned' });
        },
      }),
    );
  });
}

function endOf(code: number | null, signal: string | null): ShellEnd {
  return code === null ? { kind: 'signal', signal: signal ?? 'unknown' } : { kind: 'exit', code };
}
