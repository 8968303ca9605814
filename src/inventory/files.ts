import { readdirSync, readFileSync, statSync } from 'node:fs';

/** The files an inventory is read from; tests bring their own. */
export interface InventoryFiles {
  /** The text of a file, or undefined when there is none that can be read. */
  read(path: string): string | undefined;
  /** The names in a directory, or none. */
  list(directory: string): readonly string[];
  isDirectory(path: string): boolean;
  /** True for a directory that is there and whose names may not be read. */
  isLocked?(directory: string): boolean;
}

/** The real file system. Links are followed. */
export const fileInventory: InventoryFiles = {
  read: (path) => attempt(() => readFileSync(path, 'utf8'), undefined),
  list: (directory) => attempt(() => readdirSync(directory), []),
  isDirectory: (path) => attempt(() => statSync(path).isDirectory(), false),
  isLocked,
};

/** Files in memory, by path. */
export function memoryFiles(files: Readonly<Record<string, string>>): InventoryFiles {
  const paths = Object.keys(files);
  return {
    read: (path) => (Object.hasOwn(files, path) ? files[path] : undefined),
    list: (directory) => {
      const prefix = directory === '.' ? '' : `${directory}/`;
      const below = paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
      return [...new Set(below.map((path) => path.split('/')[0] ?? ''))];
    },
    isDirectory: (path) => path === '.' || paths.some((known) => known.startsWith(`${path}/`)),
  };
}

/** Files that are read once, however often they are asked for; `heldVault` tells whether any of them holds a text of Ansible Vault. */
export function remembered(files: InventoryFiles): InventoryFiles & { heldVault(): boolean } {
  const texts = new Map<string, string | undefined>();
  let held = false;
  return {
    ...files,
    read: (path) => {
      if (!texts.has(path)) {
        const text = files.read(path);
        held ||= text?.includes('$ANSIBLE_VAULT') ?? false;
        texts.set(path, text);
      }
      return texts.get(path);
    },
    heldVault: () => held,
  };
}

function isLocked(directory: string): boolean {
  try {
    readdirSync(directory);
    return false;
  } catch (fault) {
    const code = fault instanceof Error && 'code' in fault ? fault.code : undefined;
    return code !== 'ENOENT' && code !== 'ENOTDIR';
  }
}

function attempt<T>(act: () => T, otherwise: T): T {
  try {
    return act();
  } catch {
    return otherwise;
  }
}
