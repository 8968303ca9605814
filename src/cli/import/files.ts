import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { UsageFault } from '../exit.ts';
import { replaceFile } from '../machine/replace-file.ts';

export interface NewFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** The folder of a new inventory: what --out names, or ./inventory where there is none. */
export function outFolder(out: string | undefined): string {
  if (out !== undefined) return out;
  if (existsSync('inventory'))
    throw new UsageFault(
      'there is an inventory here already, and an import overwrites nothing',
      '--merge adds to it what it does not have; --out FOLDER makes a new one',
    );
  return 'inventory';
}

/** The folder of an inventory that may be named by its hosts.yml. */
export function folderOf(inventory: string): string {
  return /\.ya?ml$/.test(inventory) ? dirname(inventory) : inventory;
}

/** True where the folder's hosts.yml is the one that the hosts come from: then it stays as it is. */
export function isSameFolder(out: string, inventory: string): boolean {
  return resolve(out) === resolve(inventory) && existsSync(join(out, 'hosts.yml'));
}

/** What stands in the way of writing these files, before any host is asked. */
export function inTheWay(paths: readonly string[]): readonly Diagnostic[] {
  const also = paths.flatMap((path) => (path.endsWith('.yml') ? [path, path.replace(/\.yml$/, '.yaml')] : [path]));
  return also
    .filter((path) => existsSync(path))
    .map((path) =>
      error('import-exists', `${path} is there already, and an import overwrites nothing`, {
        fix: '--merge adds what is new to the inventory of -i; or --out with a new folder',
      }),
    );
}

/** Writes all files; none is overwritten. */
export function writeFiles(files: readonly NewFile[]): readonly Diagnostic[] {
  const standing = inTheWay(files.map(({ path }) => path));
  if (standing.length > 0) return standing;
  for (const { path, text, mode } of files) {
    mkdirSync(dirname(path), { recursive: true });
    const fault = replaceFile(path, text, { mode });
    if (fault !== null)
      return [error('import-not-written', `${path} was not written: ${fault.why}`, { fix: fault.fix })];
  }
  return [];
}

/** The hosts' keys of the old inventory hold for the new one. */
export function knownHostsOf(inventory: string, out: string): readonly NewFile[] {
  const from = join(inventory, 'known_hosts');
  const path = join(out, 'known_hosts');
  return existsSync(from) && !existsSync(path) ? [{ path, text: readFileSync(from, 'utf8'), mode: 0o644 }] : [];
}

/** Beside the inventory's folder, where there is none yet. */
export function sitePlaybook(out: string): readonly NewFile[] {
  const path = join(dirname(out), 'playbooks', 'site.yml');
  return existsSync(path) ? [] : [{ path, text: SITE, mode: 0o644 }];
}

const SITE = `# Every tunnel of the inventory, on every host that is an end of one.
- name: IPsec tunnels
  hosts: all
  become: true
  tasks:
    - name: Tunnels of the inventory
      ipsec_tunnels:
        tunnels: all # or names and globs
        activation: auto # auto | network-restart | tunnel | none
`;
