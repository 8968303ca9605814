import { dirname, join, normalize } from 'node:path/posix';
import { type Diagnostic, error } from '../lang/diagnostic.ts';
import type { Source } from '../lang/source.ts';
import type { Located } from '../lang/yaml.ts';
import type { InventoryFiles } from './files.ts';
import { emptyTree, type GroupTree } from './group-tree.ts';
import type { Inventory } from './inventory.ts';
import { type Loading, readDocument, type VaultReading, variablesReader } from './read-document.ts';
import { readHosts } from './read-hosts.ts';
import { resolveInventory } from './resolve-inventory.ts';
import { varsDirectory } from './vars-directory.ts';

export interface InventoryOptions {
  /** Where the playbook is: its group_vars and host_vars count too. */
  readonly playbookDirectory?: string;
  readonly vault?: VaultReading;
}

export interface LoadedInventory {
  readonly inventory: Inventory;
  /** Every file that was read, for code frames. */
  readonly sources: Map<string, Source>;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads an inventory: a directory with hosts.yml, tunnels.yml, group_vars and host_vars, or one file of hosts with the
 * others beside it. What can be read is in `inventory`, what is wrong with the rest in `diagnostics`.
 */
export function loadInventory(
  location: string,
  source: InventoryFiles,
  options: InventoryOptions = {},
): LoadedInventory {
  const diagnostics: Diagnostic[] = [];
  const files = withoutLocked(source, diagnostics);
  const { vault } = options;
  const loading: Loading = { files, sources: new Map(), diagnostics, ...(vault === undefined ? {} : { vault }) };
  const place = normalize(location).replace(/(?<=.)\/$/, '');
  const directory = files.isDirectory(place) ? place : dirname(place);
  const hostsFile = files.isDirectory(place) ? hostsFileIn(place, loading) : place;
  const tree = hostsFile === undefined ? emptyTree() : loadTree(hostsFile, loading);

  const read = variablesReader(loading);
  const directories = [
    directory,
    ...(options.playbookDirectory === undefined ? [] : [normalize(options.playbookDirectory)]),
  ];
  const [beside, besidePlaybook] = directories.map((path) => ({
    groups: varsDirectory(join(path, 'group_vars'), 'group', files, read),
    hosts: varsDirectory(join(path, 'host_vars'), 'host', files, read),
  }));
  const resolved = resolveInventory(tree, { beside, besidePlaybook });
  if (hostsFile !== undefined && tree.hosts.size > 0) {
    for (const vars of new Set([beside, directories[1] === directory ? beside : besidePlaybook])) {
      if (vars) loading.diagnostics.push(...vars.groups.unused(tree.groups.keys()));
      if (vars) loading.diagnostics.push(...vars.hosts.unused([...tree.hosts.keys(), 'localhost']));
    }
  }
  const inventory = { ...resolved, tunnelsDocument: loadTunnels(directory, loading) };
  return { inventory, sources: loading.sources, diagnostics: loading.diagnostics };
}

/** The files, where a directory that may not be read is reported: what is in it would be missed without a word. */
function withoutLocked(files: InventoryFiles, diagnostics: Diagnostic[]): InventoryFiles {
  const locked = new Set<string>();
  const list = (directory: string) => {
    const names = files.list(directory);
    if (names.length === 0 && !locked.has(directory) && files.isLocked?.(directory)) {
      locked.add(directory);
      const fix = 'check who may read it';
      diagnostics.push(error('file-unreadable', `the directory ${directory} cannot be read`, { fix }));
    }
    return names;
  };
  return { ...files, list };
}

const HOSTS_FILES = ['hosts.yml', 'hosts.yaml'];
const TUNNELS_FILES = ['tunnels.yml', 'tunnels.yaml'];

function hostsFileIn(directory: string, { files, diagnostics }: Loading): string | undefined {
  const [first, second] = HOSTS_FILES.map((name) => join(directory, name)).filter((path) =>
    files.list(directory).includes(path.slice(path.lastIndexOf('/') + 1)),
  );
  if (first === undefined && !files.isLocked?.(directory)) {
    const fix = `${join(directory, 'hosts.yml')}, an Ansible YAML inventory: all: with hosts: below it`;
    diagnostics.push(error('inventory-missing', `there is no hosts.yml in ${directory}`, { fix }));
  }
  if (second !== undefined) {
    diagnostics.push(
      error('inventory-ambiguous', `there are both ${first} and ${second}`, { fix: 'keep one of them' }),
    );
  }
  return first;
}

function loadTree(path: string, loading: Loading): GroupTree {
  const { files, diagnostics } = loading;
  if (files.read(path) === undefined && !files.list(dirname(path)).includes(path.slice(path.lastIndexOf('/') + 1))) {
    const fix = '-i with a directory that holds hosts.yml, or with a file of hosts';
    diagnostics.push(error('inventory-missing', `there is no inventory ${path}`, { fix }));
    return emptyTree();
  }
  const document = readDocument(path, loading);
  if (!document) return emptyTree();
  const read = readHosts(document);
  diagnostics.push(...read.diagnostics);
  return read.tree;
}

function loadTunnels(directory: string, loading: Loading): Located | null {
  const name = TUNNELS_FILES.find((candidate) => loading.files.list(directory).includes(candidate));
  return name === undefined ? null : readDocument(join(directory, name), loading);
}
