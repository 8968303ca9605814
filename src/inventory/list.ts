import { Vaulted } from '../lang/vaulted.ts';
import { Verbatim } from '../lang/verbatim.ts';
import type { Variables } from '../model/host.ts';
import { Secret } from '../model/secret.ts';
import type { Group, Inventory } from './inventory.ts';

/** The inventory as `ansible-inventory --list` prints it, but for the order of keys. */
export function list(inventory: Inventory): Readonly<Record<string, unknown>> {
  const groups: Record<string, unknown> = {};
  const pending = ['all'];
  const seen = new Set<string>();
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    const group = inventory.groups.get(name);
    if (!group || seen.has(name)) continue;
    seen.add(name);
    const entry = groupEntry(group);
    if (Object.keys(entry).length > 0) groups[name] = entry;
    pending.push(...group.children);
  }
  const hostvars = [...inventory.hosts.values()]
    .map(({ name, vars }) => [name, jsonVars(vars)] as const)
    .filter(([, vars]) => Object.keys(vars).length > 0);
  return { _meta: { hostvars: Object.fromEntries(hostvars) }, ...groups };
}

/** A host's variables as `ansible-inventory --host` prints them: what the inventory gives, templates as written. */
export function jsonVars(vars: Variables): Readonly<Record<string, unknown>> {
  const own = Object.entries(vars).filter(([name]) => !INTERNAL.has(name));
  return Object.fromEntries(own.map(([name, value]) => [name, jsonValue(value)]));
}

function groupEntry({ name, hosts, children }: Group): Readonly<Record<string, unknown>> {
  return {
    ...(name !== 'all' && hosts.length > 0 ? { hosts } : {}),
    ...(children.length > 0 ? { children } : {}),
  };
}

function jsonValue(value: unknown): unknown {
  if (value instanceof Vaulted) return { __ansible_vault: value.ciphertext };
  if (value instanceof Verbatim) return { __ansible_unsafe: value.value };
  if (value instanceof Secret) return String(value);
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, jsonValue(inner)]));
}

/** ansible-inventory leaves them out, even when a host defines one. */
const INTERNAL: ReadonlySet<string> = new Set([
  'ansible_diff_mode',
  'ansible_config_file',
  'ansible_facts',
  'ansible_forks',
  'ansible_inventory_sources',
  'ansible_limit',
  'ansible_playbook_python',
  'ansible_run_tags',
  'ansible_skip_tags',
  'ansible_verbosity',
  'ansible_version',
  'inventory_dir',
  'inventory_file',
  'inventory_hostname',
  'inventory_hostname_short',
  'groups',
  'group_names',
  'omit',
  'playbook_dir',
]);
