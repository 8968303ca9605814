import type { Host } from '../model/host.ts';
import type { Span } from '../model/span.ts';
import { ancestors, depths, type GroupTree, groupsByHost, type WrittenVariables } from './group-tree.ts';
import type { Group, Inventory } from './inventory.ts';
import { byGroupPrecedence, PRECEDENCE, type VariableSource } from './precedence.ts';
import type { VarsDirectory } from './vars-directory.ts';

/** group_vars and host_vars, beside the inventory and beside the playbook. */
export interface VarsDirectories {
  readonly beside: VarsPair | undefined;
  readonly besidePlaybook: VarsPair | undefined;
}

export interface VarsPair {
  readonly groups: VarsDirectory;
  readonly hosts: VarsDirectory;
}

/** Decides every host's groups and variables. */
export function resolveInventory(tree: GroupTree, directories: VarsDirectories): Omit<Inventory, 'tunnelsDocument'> {
  const groups = resolveGroups(tree);
  const direct = groupsByHost(tree);
  const hosts = new Map<string, Host>();
  const origins = new Map<string, ReadonlyMap<string, Span>>();
  for (const node of tree.hosts.values()) {
    const names = groupNames(tree, direct.get(node.name) ?? []);
    const ranked = [...names]
      .map((name) => groups.get(name))
      .filter((group) => group !== undefined)
      .sort(byGroupPrecedence);
    const merged = merge(layersOf(node.name, node.vars, ranked, tree, directories));
    hosts.set(node.name, { name: node.name, groups: ranked.map(({ name }) => name), vars: merged.vars });
    origins.set(node.name, merged.origins);
  }
  const hostSpans = new Map([...tree.hosts].map(([name, { span }]) => [name, span]));
  return { hosts, groups, origins, hostSpans, implicitLocalhost: implicitLocalhost(tree, groups, directories) };
}

function resolveGroups(tree: GroupTree): ReadonlyMap<string, Group> {
  const depth = depths(tree);
  return new Map(
    [...tree.groups.values()].map(({ name, hosts, children, parents, vars, priority }) => {
      const group = { name, hosts, children, parents, vars: valuesOf(vars), priority, depth: depth.get(name) ?? 0 };
      return [name, group];
    }),
  );
}

function groupNames(tree: GroupTree, direct: readonly string[]): ReadonlySet<string> {
  return new Set(['all', ...direct.flatMap((group) => [group, ...ancestors(tree, group)])]);
}

type Layers = Partial<Record<VariableSource, readonly WrittenVariables[]>>;

function layersOf(
  host: string,
  own: WrittenVariables,
  ranked: readonly Group[],
  tree: GroupTree,
  { beside, besidePlaybook }: VarsDirectories,
): Layers {
  const names = ranked.map(({ name }) => name).filter((name) => name !== 'all');
  const inFile = (name: string): WrittenVariables => tree.groups.get(name)?.vars ?? new Map();
  const from = (vars: VarsPair | undefined, groups: readonly string[]) =>
    groups.map((name) => vars?.groups.variablesOf(name) ?? new Map());
  return {
    'inventory-all': [inFile('all')],
    'inventory-groups': names.map(inFile),
    'group-vars-all': from(beside, ['all']),
    'playbook-group-vars-all': from(besidePlaybook, ['all']),
    'group-vars': from(beside, names),
    'playbook-group-vars': from(besidePlaybook, names),
    'inventory-host': [own],
    'host-vars': [beside?.hosts.variablesOf(host) ?? new Map()],
    'playbook-host-vars': [besidePlaybook?.hosts.variablesOf(host) ?? new Map()],
  };
}

function merge(layers: Layers): { vars: Record<string, unknown>; origins: ReadonlyMap<string, Span> } {
  const winners: WrittenVariables = new Map();
  for (const { source } of PRECEDENCE) {
    for (const layer of layers[source] ?? []) for (const [name, written] of layer) winners.set(name, written);
  }
  return { vars: valuesOf(winners), origins: new Map([...winners].map(([name, { span }]) => [name, span])) };
}

function valuesOf(vars: WrittenVariables): Record<string, unknown> {
  return Object.fromEntries([...vars].map(([name, { value }]) => [name, value]));
}

/** As in Ansible it is in no group, but has the variables of `all`, and its own host_vars. */
function implicitLocalhost(tree: GroupTree, groups: ReadonlyMap<string, Group>, directories: VarsDirectories): Host {
  const all = groups.get('all');
  const own: WrittenVariables = new Map([['ansible_connection', { value: 'local', span: NOWHERE }]]);
  const { vars } = merge(layersOf('localhost', own, all ? [all] : [], tree, directories));
  return { name: 'localhost', groups: [], vars };
}

const NOWHERE: Span = { file: '', line: 1, column: 1, endLine: 1, endColumn: 1 };
