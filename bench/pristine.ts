import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  type Stats,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** Folders in which anything on a host may change. sshd itself is mounted into usr/sbin, where nothing else may be touched. */
const FOLDERS = ['etc', 'var', 'sbin', 'usr/sbin', 'root'];
const KEPT = new Set(['usr/sbin/sshd']);

interface Kept {
  readonly bytes: Buffer | null;
  readonly mode: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

/** A host as it is now; `restore` makes it so again, touching only what is different. */
export function pristine(root: string): { restore(): void } {
  const before = new Map<string, Kept>();
  walk(root, (path, stat) => {
    const bytes = stat.isFile() ? readFileSync(join(root, path)) : null;
    before.set(path, { bytes, mode: stat.mode & 0o7777, mtimeMs: stat.mtimeMs, ino: stat.ino });
  });
  return {
    restore: () => {
      walk(root, (path) => {
        if (!before.has(path)) rmSync(join(root, path), { recursive: true, force: true });
      });
      for (const [path, kept] of before) put(join(root, path), kept);
    },
  };
}

function put(at: string, { bytes, mode, mtimeMs, ino }: Kept): void {
  const now = lstatSync(at, { throwIfNoEntry: false });
  if (bytes === null) {
    if (now === undefined) mkdirSync(at);
    if (now === undefined || (now.mode & 0o7777) !== mode) chmodSync(at, mode);
    return;
  }
  if (now?.ino === ino && now.mtimeMs === mtimeMs && (now.mode & 0o7777) === mode) return;
  writeFileSync(at, bytes);
  chmodSync(at, mode);
  utimesSync(at, mtimeMs / 1000, mtimeMs / 1000);
}

/** Symbolic links are left alone: nothing that is measured makes one. */
function walk(root: string, visit: (path: string, stat: Stats) => void): void {
  const into = (folder: string) => {
    for (const name of readdirSync(join(root, folder))) {
      const path = `${folder}/${name}`;
      const stat = lstatSync(join(root, path), { throwIfNoEntry: false });
      if (stat === undefined || KEPT.has(path) || stat.isSymbolicLink()) continue;
      visit(path, stat);
      if (stat.isDirectory() && lstatSync(join(root, path), { throwIfNoEntry: false })) into(path);
    }
  };
  FOLDERS.forEach(into);
}
