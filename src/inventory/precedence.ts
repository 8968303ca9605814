import type { Variables } from '../model/host.ts';

/**
 * Where variables come from, lowest to highest: Ansible's "Understanding variable precedence", for the sources there
 * are here. The one place that decides it.
 */
export const PRECEDENCE = [
  { source: 'inventory-all', from: 'the inventory file, vars: of group all' },
  { source: 'inventory-groups', from: 'the inventory file, vars: of the other groups, outer before inner' },
  { source: 'group-vars-all', from: 'group_vars/all beside the inventory' },
  { source: 'playbook-group-vars-all', from: 'group_vars/all beside the playbook' },
  { source: 'group-vars', from: 'group_vars/GROUP beside the inventory' },
  { source: 'playbook-group-vars', from: 'group_vars/GROUP beside the playbook' },
  { source: 'inventory-host', from: 'the inventory file, the host itself' },
  { source: 'host-vars', from: 'host_vars/HOST beside the inventory' },
  { source: 'playbook-host-vars', from: 'host_vars/HOST beside the playbook' },
  { source: 'facts', from: 'what was found out about the host' },
  { source: 'play-vars', from: 'vars: of the play' },
  { source: 'play-vars-files', from: 'vars_files: of the play' },
  { source: 'task-vars', from: 'vars: of the task' },
  { source: 'registered', from: 'register: of earlier tasks' },
  { source: 'extra-vars', from: '--extra-vars' },
  { source: 'magic', from: 'inventory_hostname, groups and the like' },
] as const;

export type VariableSource = (typeof PRECEDENCE)[number]['source'];

/** The variables of several sources in one, by precedence. */
export function byPrecedence(sources: Partial<Readonly<Record<VariableSource, Variables>>>): Variables {
  return Object.assign({}, ...PRECEDENCE.map(({ source }) => sources[source] ?? {}));
}

/** The group whose variables win stands last: by depth, then `ansible_group_priority`, then name. */
export function byGroupPrecedence(a: Ranked, b: Ranked): number {
  return a.depth - b.depth || a.priority - b.priority || (a.name < b.name ? -1 : Number(a.name > b.name));
}

interface Ranked {
  readonly name: string;
  readonly depth: number;
  readonly priority: number;
}
