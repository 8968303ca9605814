import { spawn } from 'node:child_process';
import { finished } from 'node:stream/promises';
import type { ServerChannel } from 'ssh2';

/** A program that runs over a channel. */
export interface Child {
  /** Everything it said was sent, and its exit status. Never rejects. */
  readonly ended: Promise<void>;
  /** `TERM`, `INT`, …, to all of its processes. */
  signal(name: string): void;
  /** Ends all of its processes, the stubborn ones after half a second. */
  stop(): Promise<void>;
}

/** Runs a program with the channel as its stdin, stdout and stderr, each at the speed of the slower side. */
export function runOnChannel(
  channel: ServerChannel,
  program: string,
  args: readonly string[],
  place: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Child {
  // `detached`: a process group of its own, which a signal can reach as a whole.
  const child = spawn(program, args, { ...place, env: { ...place.env }, detached: true, stdio: 'pipe' });
  const kill = (signal: NodeJS.Signals): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // Gone already.
    }
  };

  // A program need not read its input to the end: the rest of it is thrown away.
  child.stdin.on('error', () => channel.resume());
  channel.on('error', () => {});
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr);

  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const gone = exited.then(() => {});
  const stop = async (): Promise<void> => {
    kill('SIGTERM');
    const stubborn = setTimeout(() => kill('SIGKILL'), 500);
    await gone;
    clearTimeout(stubborn);
  };
  let done = false;
  channel.on('close', () => {
    if (!done) void stop();
  });

  const ended = exited.then(async ({ code, signal }) => {
    done = true;
    if (channel.destroyed || channel.writableEnded) return;
    // The channel's end would cut off what its stderr still holds.
    await finished(channel.stderr, { readable: false }).catch(() => {});
    if (signal !== null) channel.exit(signal.replace(/^SIG/, ''), false, '');
    else channel.exit(code ?? 255);
    channel.end();
  });
  return { ended, signal: (name) => kill(`SIG${name}` as NodeJS.Signals), stop };
}
