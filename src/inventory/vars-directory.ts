import { extname } from 'node:path/posix';
import { type Diagnostic, warning } from '../lang/diagnostic.ts';
import { nearestName } from '../lang/did-you-mean.ts';
import { makeSource, type Source, spanOf } from '../lang/source.ts';
import type { InventoryFiles } from './files.ts';
import type { WrittenVariables } from './group-tree.ts';
import type { DocumentReader } from './read-document.ts';

/** The variables that a `group_vars` or `host_vars` directory has for each name, and what is wrong with its files. */
export interface VarsDirectory {
  variablesOf(name: string): WrittenVariables;
  /** Warns of files that belong to no name that was asked for. */
  unused(known: Iterable<string>): readonly Diagnostic[];
}

export function varsDirectory(
  directory: string,
  what: 'group' | 'host',
  files: InventoryFiles,
  read: DocumentReader,
): VarsDirectory {
  const entries = files.isDirectory(directory) ? [...files.list(directory)].sort() : [];
  const present = new Set(entries);
  const used = new Set<string>();
  const variables = new Map<string, WrittenVariables>();
  const load = (name: string): WrittenVariables => {
    const merged: WrittenVariables = new Map();
    // Ansible takes the first of them and no other
    const entry = EXTENSIONS.map((extension) => name + extension).find((candidate) => present.has(candidate));
    if (entry === undefined) return merged;
    used.add(entry);
    for (const path of varsFiles(`${directory}/${entry}`, files))
      for (const [key, value] of read(path)) merged.set(key, value);
    return merged;
  };
  return {
    variablesOf: (name) => {
      const known = variables.get(name) ?? load(name);
      variables.set(name, known);
      return known;
    },
    unused: (known) => unusedFiles(directory, what, entries, used, new Set(known)),
  };
}

/** As Ansible has them: without one first, so that a folder goes before a file. */
const EXTENSIONS = ['', '.yml', '.yaml', '.json'];

/** The file, or all files below a folder, in order of their names; hidden ones and backups are left out. */
function varsFiles(path: string, files: InventoryFiles): readonly string[] {
  if (!files.isDirectory(path)) return [path];
  return [...files.list(path)]
    .sort()
    .filter((name) => !name.startsWith('.') && !name.endsWith('~'))
    .flatMap((name) => {
      const inner = `${path}/${name}`;
      const extension = extname(name);
      if (files.isDirectory(inner)) return extension === '' ? varsFiles(inner, files) : [];
      return EXTENSIONS.includes(extension) ? [inner] : [];
    });
}

function unusedFiles(
  directory: string,
  what: string,
  entries: readonly string[],
  used: ReadonlySet<string>,
  known: ReadonlySet<string>,
): readonly Diagnostic[] {
  return entries.flatMap((entry) => {
    if (used.has(entry) || entry.startsWith('.') || OTHER_FILES.test(entry)) return [];
    const name = entry.replace(/\.(?:ya?ml|json)$/, '');
    const span = spanOf(nowhere(`${directory}/${entry}`), 0, 0);
    if (known.has(name)) {
      const taken = EXTENSIONS.map((extension) => name + extension).find((other) => used.has(other));
      const message = `this file is not read: ${taken} is read for ${what} "${name}"`;
      return [
        warning('vars-file-shadowed', message, { span, fix: `one of both, or a folder ${name}/ with all of them` }),
      ];
    }
    const near = nearestName(name, known);
    const fix =
      near === undefined ? `a ${what} of this name in the inventory, or no such file` : `did you mean "${near}"?`;
    return [warning('vars-file-unused', `there is no ${what} "${name}", these variables go nowhere`, { span, fix })];
  });
}

const OTHER_FILES = /~$|\.(?:md|txt|rst|orig|bak|rpmsave|rpmnew|swp|retry|sample|example|j2|ini|cfg)$/i;

function nowhere(file: string): Source {
  return makeSource(file, '');
}
