import { spawn } from 'node:child_process';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FleetHost } from './fleet-host.ts';
import { until } from './until.ts';

/** The names of those canaries that a text holds, as they are or in a usual encoding. */
export function leaksOf(canaries: Readonly<Record<string, string>>, text: string): readonly string[] {
  return Object.entries(canaries).flatMap(([name, canary]) => {
    const forms = [
      canary,
      Buffer.from(canary).toString('base64').replace(/=+$/, ''),
      Buffer.from(canary).toString('hex'),
      encodeURIComponent(canary),
      JSON.stringify(canary).slice(1, -1),
    ];
    return forms.some((form) => text.includes(form)) ? [name] : [];
  });
}

/**
 * Notes each mode that any file of these folders, or `below` them with its path, is ever seen with. `traceHost` holds every rename and chmod back for
 * long enough that what was written before is seen as it was written.
 */
export function watchModes(
  host: FleetHost,
  folders: readonly string[],
  depth: 'in' | 'below' = 'in',
): () => Map<string, Set<string>> {
  const seen = new Map<string, Set<string>>();
  let isOver = false;
  const lookInto = (at: string, path: string) => {
    for (const name of existsSync(at) ? namesIn(at) : []) {
      try {
        const stat = lstatSync(join(at, name));
        if (stat.isSymbolicLink()) continue;
        const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0');
        seen.set(path + name, (seen.get(path + name) ?? new Set()).add(mode));
        if (depth === 'below' && stat.isDirectory()) lookInto(join(at, name), `${path}${name}/`);
      } catch {
        // Gone between the two.
      }
    }
  };
  const look = () => {
    for (const folder of folders) lookInto(join(host.root, folder), '');
    if (!isOver) setTimeout(look, 2);
  };
  look();
  return () => {
    isOver = true;
    return seen;
  };
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Writes the arguments and the environment of every program that starts on the host to a file; resolves when it is at it. */
export async function traceHost(host: FleetHost, file: string): Promise<() => Promise<void>> {
  const listener = host.pidOf('sshd');
  const held = 'chmod,fchmod,fchmodat,rename,renameat,renameat2';
  const argv = [
    '-f',
    '-v',
    '-s',
    '1000000',
    '-e',
    `trace=execve,${held}`,
    '-e',
    `inject=${held}:delay_enter=20000`,
    '-o',
    file,
  ];
  const child = spawn('strace', [...argv, '-p', `${listener}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await until(() => /attached/.test(said));
  return async () => {
    child.kill('SIGINT');
    await ended;
  };
}

/** Put before a command line, writes the arguments and the environment of each program, and each file that is opened, to a file. */
export function tracedTo(file: string): readonly string[] {
  return ['strace', '-f', '-v', '-qq', '-s', '1000000', '-e', 'trace=execve,open,openat,creat', '-o', file];
}

/** The paths of all files that were opened to be written, of what `tracedTo` wrote. */
export function writtenIn(trace: string): readonly string[] {
  return [...trace.matchAll(/open(?:at)?\((?:AT_FDCWD, )?"([^"]*)", [A-Z_|]*O_(?:WRONLY|RDWR|CREAT)/g)].map(
    ([, path = '']) => path,
  );
}
