import { dirname, join } from 'node:path';
import type { InventoryFiles } from '../files.ts';

/**
 * Tells of a file whether it lies in a work tree of git: some folder above it has a `.git`, which is a file in a linked
 * work tree. Nothing is asked of git itself, so files that are ignored count too.
 */
export function workTrees(files: InventoryFiles, cwd: string): (file: string) => boolean {
  const known = new Map<string, boolean>();
  const below = (folder: string): boolean => {
    const found =
      known.get(folder) ?? (files.list(folder).includes('.git') || (above(folder) && below(dirname(folder))));
    known.set(folder, found);
    return found;
  };
  const above = (folder: string) => dirname(folder) !== folder;
  return (file) => below(dirname(file.startsWith('/') ? file : join(cwd, file)));
}
