import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** The command line as one file, made from the sources as they are: what is tried is what is there. */
export async function builtCommandLine(): Promise<string> {
  const cache = join(ROOT, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'ipsec-play-chaos-'));
  const outfile = join(folder, 'cli.mjs');
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/cli/main.ts'],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
    plugins: [
      {
        name: 'own-urls',
        setup: ({ onLoad }) => {
          onLoad({ filter: /\.ts$/ }, ({ path }) => ({
            contents: readFileSync(path, 'utf8').replaceAll(
              /, import\.meta\.url\)/g,
              `, '${pathToFileURL(path).href}')`,
            ),
            loader: 'ts',
          }));
        },
      },
    ],
  });
  return outfile;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Ran {
  /** 128 and the signal's number, as a shell says it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly ended: Promise<Ran>;
  /** On stdout, up to now. */
  said(): string;
  isRunning(): boolean;
  kill(signal: NodeJS.Signals): void;
}

/** Runs the command line as a process of its own. */
export function ipsecPlay(cli: string, cwd: string, args: readonly string[]): Running {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: cwd, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let running = true;
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  const ended = new Promise<Ran>((resolve) => {
    child.once('close', (code, signal) => {
      running = false;
      resolve({ code: code ?? 128 + constants.signals[signal ?? 'SIGTERM'], stdout, stderr });
    });
  });
  return { ended, said: () => stdout, isRunning: () => running, kill: (signal) => void child.kill(signal) };
}
