import type { Span } from '../model/span.ts';

/** A variable's value and where it was written. */
export interface Written {
  readonly value: unknown;
  readonly span: Span;
}

export type WrittenVariables = Map<string, Written>;

/** The groups and hosts of an inventory file while it is read. Mirrors Ansible's InventoryData, order included. */
export interface GroupTree {
  readonly groups: Map<string, GroupNode>;
  readonly hosts: Map<string, HostNode>;
}

export interface GroupNode {
  readonly name: string;
  hosts: string[];
  readonly children: string[];
  readonly parents: string[];
  readonly vars: WrittenVariables;
  priority: number;
}

export interface HostNode {
  readonly name: string;
  readonly vars: WrittenVariables;
  readonly span: Span;
}

export function emptyTree(): GroupTree {
  const tree: GroupTree = { groups: new Map(), hosts: new Map() };
  addGroup(tree, 'all');
  addGroup(tree, 'ungrouped');
  addChild(tree, 'all', 'ungrouped');
  return tree;
}

export function addGroup(tree: GroupTree, name: string): GroupNode {
  const known = tree.groups.get(name);
  if (known) return known;
  const group: GroupNode = { name, hosts: [], children: [], parents: [], vars: new Map(), priority: 1 };
  tree.groups.set(name, group);
  return group;
}

/** Puts a group below another; false when that would make a circle. */
export function addChild(tree: GroupTree, parent: string, child: string): boolean {
  if (parent === child || ancestors(tree, parent).has(child)) return false;
  const [above, below] = [addGroup(tree, parent), addGroup(tree, child)];
  if (above.children.includes(child)) return true;
  above.children.push(child);
  below.parents.push(parent);
  return true;
}

export function addHost(tree: GroupTree, group: string, name: string, span: Span): HostNode {
  const members = addGroup(tree, group).hosts;
  const known = tree.hosts.get(name) ?? { name, vars: new Map(), span };
  tree.hosts.set(name, known);
  if (!members.includes(name)) members.push(name);
  return known;
}

/** What Ansible does after reading: every group is below `all`, and every host in some group. */
export function reconcile(tree: GroupTree): void {
  for (const { name, parents } of tree.groups.values())
    if (name !== 'all' && parents.length === 0) addChild(tree, 'all', name);
  const groupsOf = groupsByHost(tree);
  const ungrouped = addGroup(tree, 'ungrouped');
  const isUngrouped = (host: string) =>
    (groupsOf.get(host) ?? []).every((group) => group === 'all' || group === 'ungrouped');
  ungrouped.hosts = ungrouped.hosts.filter(isUngrouped);
  const listed = new Set(ungrouped.hosts);
  for (const host of tree.hosts.keys()) if (isUngrouped(host) && !listed.has(host)) ungrouped.hosts.push(host);
}

/** The groups that list a host themselves. */
export function groupsByHost(tree: GroupTree): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const group of tree.groups.values()) {
    for (const host of group.hosts) {
      const list = groups.get(host);
      if (list) list.push(group.name);
      else groups.set(host, [group.name]);
    }
  }
  return groups;
}

export function ancestors(tree: GroupTree, name: string): ReadonlySet<string> {
  const found = new Set(tree.groups.get(name)?.parents);
  for (const group of found) for (const parent of tree.groups.get(group)?.parents ?? []) found.add(parent);
  return found;
}

/** The length of the longest way from `all` down to each group. */
export function depths(tree: GroupTree): ReadonlyMap<string, number> {
  const depth = new Map<string, number>();
  const measure = (name: string): number => {
    const known = depth.get(name);
    if (known !== undefined) return known;
    const parents = tree.groups.get(name)?.parents ?? [];
    const own = parents.reduce((longest, parent) => Math.max(longest, measure(parent) + 1), 0);
    depth.set(name, own);
    return own;
  };
  for (const name of tree.groups.keys()) measure(name);
  return depth;
}
