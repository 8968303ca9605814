import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import type { Ran, RunOptions } from '../test/support/fleet-process.ts';

/** How long a program said nothing at all, at most, until it ended. Milliseconds. */
export interface Watched extends Ran {
  readonly silence: number;
}

/** Runs a program as `run` does, and listens: what says nothing for long looks dead. Start-up is a silence, too. */
export async function watched(
  [program = '', ...args]: readonly string[],
  { cwd, env, timeout }: RunOptions,
): Promise<Watched> {
  const child = spawn(program, args, { cwd, env, timeout, stdio: ['ignore', 'pipe', 'pipe'] });
  let last = performance.now();
  let silence = 0;
  const heard = () => {
    const now = performance.now();
    silence = Math.max(silence, now - last);
    last = now;
  };
  const said = [child.stdout, child.stderr].map((stream) => {
    stream.on('data', heard);
    return buffer(stream);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const code = await ended;
  heard();
  const [stdout = '', stderr = ''] = (await Promise.all(said)).map((bytes) => bytes.toString('utf8'));
  return { code, stdout, stderr, silence };
}
