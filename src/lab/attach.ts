import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { standInTarget } from './stand-in-target.ts';

/** A lab that another process serves: its hosts go on living when the one that works on them ends. */
interface Served {
  readonly pid: number;
  readonly programs: string;
  readonly identityFile: string;
  readonly knownHostsFile: string;
  readonly hosts: Readonly<Record<string, { readonly root: string; readonly port: number }>>;
}

/** Lets other processes work on the hosts of this one, for as long as it lives. */
export function serve(top: string, served: Omit<Served, 'pid'>): void {
  const file = join(top, FILE);
  writeFileSync(`${file}~`, JSON.stringify({ pid: process.pid, ...served }), { mode: 0o600 });
  renameSync(`${file}~`, file);
}

/** The lab in `top` as another process serves it; null where none does. */
export function attach(top: string): Lab | null {
  const served = read(join(top, FILE));
  if (served === null || served.pid === process.pid || !isAlive(served.pid)) return null;
  const hostOf = (name: string) => {
    const host = served.hosts[name];
    if (host === undefined) throw new Error(`the lab has no host ${name}`);
    return host;
  };
  return {
    target: (target) => standInTarget(target, hostOf(target.name).port, served.identityFile),
    rendering: (name) => ({ root: hostOf(name).root, commandShell: [join(served.programs, 'lab-command')] }),
    knownHostsFile: served.knownHostsFile,
    identityFile: served.identityFile,
    reboot: () => Promise.reject(new Error('only the process that serves the lab can reboot its hosts')),
    stop: async () => {},
  };
}

const FILE = 'served.json';

function read(file: string): Served | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Served;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
