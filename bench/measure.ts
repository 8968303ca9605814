import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Ran, RunOptions } from '../test/support/fleet-process.ts';

/** One run of a program. Milliseconds, and MiB. */
export interface Measured extends Ran {
  readonly wall: number;
  /** Of the control process and the children it waited for; what runs on hosts is not in it. */
  readonly cpu: number;
  /** The most memory it had at once; null where it is no Node process. */
  readonly rss: number | null;
}

type Run<R extends Ran> = (argv: readonly string[], options: RunOptions) => Promise<R>;

/** Measures a Node process: `argv` is what follows `node`. Start-up counts. */
export async function measureNode<R extends Ran>(
  run: Run<R>,
  argv: readonly string[],
  options: RunOptions,
  dir: string,
): Promise<R & Measured> {
  const report = join(dir, 'usage.json');
  rmSync(report, { force: true });
  const begin = performance.now();
  const ran = await run([process.execPath, '--require', USAGE, ...argv], {
    ...options,
    env: { ...options.env, BENCH_USAGE: report },
  });
  const wall = performance.now() - begin;
  const { cpu, rss } = JSON.parse(readFileSync(report, 'utf8')) as { cpu: number; rss: number };
  return { ...ran, wall, cpu, rss };
}

/** Measures any program by what this process has waited for; the kernel counts that in hundredths of a second. */
export async function measureProgram(run: Run<Ran>, argv: readonly string[], options: RunOptions): Promise<Measured> {
  const before = waitedFor();
  const begin = performance.now();
  const ran = await run(argv, options);
  const wall = performance.now() - begin;
  return { ...ran, wall, cpu: waitedFor() - before, rss: null };
}

/** Of an odd number of values, so that it is one of them. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const USAGE = fileURLToPath(new URL('./usage.cjs', import.meta.url));

/** cutime and cstime of proc_pid_stat(5), in milliseconds. */
function waitedFor(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) * 10;
}
