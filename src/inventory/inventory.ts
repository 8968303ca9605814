import type { Located } from '../lang/yaml.ts';
import type { Host, Variables } from '../model/host.ts';
import type { Span } from '../model/span.ts';

/** A whole inventory, read and resolved; templates in variables are not rendered. */
export interface Inventory {
  /** In the order of the file. */
  readonly hosts: ReadonlyMap<string, Host>;
  /** `all` and `ungrouped` first, then in the order of the file. */
  readonly groups: ReadonlyMap<string, Group>;
  /** For each host and variable the place where the winning value was written. */
  readonly origins: ReadonlyMap<string, ReadonlyMap<string, Span>>;
  /** Where each host was first named. */
  readonly hostSpans: ReadonlyMap<string, Span>;
  /** This machine, which a pattern may name though the file does not. */
  readonly implicitLocalhost: Host;
  /** tunnels.yml, parsed; null where there is none. */
  readonly tunnelsDocument: Located | null;
}

export interface Group {
  readonly name: string;
  /** Hosts that the group itself lists. */
  readonly hosts: readonly string[];
  readonly children: readonly string[];
  readonly parents: readonly string[];
  /** Variables of the inventory file's `vars:`; those of group_vars are not among them. */
  readonly vars: Variables;
  /** Longest way down from `all`. A deeper group's variables win. */
  readonly depth: number;
  /** `ansible_group_priority`: decides between groups of one depth. */
  readonly priority: number;
}

/** A host by name, the implicit localhost included. */
export function findHost(inventory: Inventory, name: string): Host | undefined {
  const host = inventory.hosts.get(name);
  if (host || !LOCALHOST.has(name)) return host;
  return { ...inventory.implicitLocalhost, name };
}

/** Names that stand for this machine when no host of the file has them. */
export const LOCALHOST: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '::1']);

/** All hosts of a group and of the groups below it, in Ansible's order: level by level. */
export function groupHosts(groups: ReadonlyMap<string, Group>, name: string): readonly string[] {
  const hosts = descendants(groups, name).flatMap((group) => groups.get(group)?.hosts ?? []);
  return [...new Set(hosts)];
}

/** A group and all groups below it, level by level. */
function descendants(groups: ReadonlyMap<string, Pick<Group, 'children'>>, name: string): readonly string[] {
  const found = new Set([name]);
  for (const group of found) for (const child of groups.get(group)?.children ?? []) found.add(child);
  return [...found];
}
