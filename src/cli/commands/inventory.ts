import pico from 'picocolors';
import { findHost, type Group, type Inventory } from '../../inventory/inventory.ts';
import { list } from '../../inventory/list.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import { renderedVars } from '../../inventory/rendered-vars.ts';
import { didYouMean } from '../../lang/did-you-mean.ts';
import { isSensitiveKey } from '../../lang/sensitive-keys.ts';
import { Vaulted } from '../../lang/vaulted.ts';
import { Secret } from '../../model/secret.ts';
import type { Span } from '../../model/span.ts';
import { EXIT, UsageFault } from '../exit.ts';
import { loadProject, type Project, showDiagnostics } from '../load.ts';
import type { CommonOptions } from '../options.ts';
import type { Terminal } from '../terminal.ts';

/** Hosts, groups and tunnels; as JSON the document of `ansible-inventory --list`, its passwords and keys hidden. */
export async function inventoryList(options: CommonOptions, terminal: Terminal): Promise<number> {
  const project = await loadProject(options, undefined, terminal);
  if (project === null) return EXIT.input;
  const { inventory, tunnels } = project;
  if (options.output !== 'human') {
    terminal.stdout(`${JSON.stringify(list(inventory), masked, options.output === 'json' ? 4 : 0)}\n`);
    return EXIT.done;
  }
  const chosen = selectHosts(inventory, options.limit ?? 'all');
  showDiagnostics(chosen.diagnostics, project.sources, options, terminal);
  if (chosen.diagnostics.length > 0) return EXIT.input;
  const rows = chosen.hosts.map((name) => {
    const vars = renderedVars(inventory, name, project.extraVars);
    const groups = (inventory.hosts.get(name)?.groups ?? []).filter(
      (group) => group !== 'all' && group !== 'ungrouped',
    );
    const own = tunnels.filter(({ ends }) => ends.some(({ host }) => host === name)).map((tunnel) => tunnel.name);
    return [name, String(vars.ansible_host ?? ''), groups.join(','), own.join(' ')];
  });
  terminal.stdout(`${table(['HOST', 'ADDRESS', 'GROUPS', 'TUNNELS'], rows)}\n`);
  return EXIT.done;
}

/** A host's variables as templates see them, and where each was written. Passwords and keys stay hidden. */
export async function inventoryHost(name: string, options: CommonOptions, terminal: Terminal): Promise<number> {
  const project = await loadProject(options, undefined, terminal);
  if (project === null) return EXIT.input;
  const { inventory, extraVars } = project;
  const host = findHost(inventory, name);
  if (host === undefined) {
    throw new UsageFault(
      `there is no host ${name} in the inventory`,
      didYouMean(name, [...inventory.hosts.keys()]) ?? undefined,
    );
  }
  const vars = renderedVars(inventory, name, extraVars);
  const names = Object.keys(vars)
    .filter((each) => !MAGIC.has(each))
    .sort();
  if (options.output !== 'human') {
    const shown = Object.fromEntries(
      names.map((each) => [each, { value: shownValue(each, vars[each]), from: placeOf(project, name, each) }]),
    );
    const document = { schema: 'ipsec-play/inventory-host/1', host: name, groups: host.groups, vars: shown };
    terminal.stdout(`${JSON.stringify(document, null, options.output === 'json' ? 2 : 0)}\n`);
    return EXIT.done;
  }
  const rows = names.map((each) => [each, text(shownValue(each, vars[each])), placeOf(project, name, each)]);
  terminal.stdout(`${name}  (groups: ${host.groups.join(', ')})\n${table(['VARIABLE', 'VALUE', 'FROM'], rows)}\n`);
  return EXIT.done;
}

/** Groups, the groups and hosts in them, as a tree. */
export async function inventoryGraph(options: CommonOptions, terminal: Terminal): Promise<number> {
  const project = await loadProject(options, undefined, terminal);
  if (project === null) return EXIT.input;
  const { inventory } = project;
  if (options.output !== 'human') {
    const groups = [...inventory.groups.values()].map(({ name, hosts, children }) => ({ name, hosts, children }));
    terminal.stdout(
      `${JSON.stringify({ schema: 'ipsec-play/inventory-graph/1', groups }, null, options.output === 'json' ? 2 : 0)}\n`,
    );
    return EXIT.done;
  }
  const all = inventory.groups.get('all');
  const colors = pico.createColors(terminal.color.stdout && options.color);
  const lines = all === undefined ? [] : tree(all, inventory, 0, (group) => colors.bold(`@${group}:`));
  terminal.stdout(`${lines.join('\n')}\n`);
  return EXIT.done;
}

/** As `ansible-inventory --graph` draws it. */
function tree(group: Group, inventory: Inventory, depth: number, paint: (name: string) => string): readonly string[] {
  const indent = depth === 0 ? '' : `${'  |'.repeat(depth)}--`;
  const below = group.children.flatMap((child) => {
    const inner = inventory.groups.get(child);
    return inner === undefined ? [] : tree(inner, inventory, depth + 1, paint);
  });
  const hosts = group.name === 'all' ? [] : group.hosts.map((host) => `${'  |'.repeat(depth + 1)}--${host}`);
  return [`${indent}${paint(group.name)}`, ...below, ...hosts];
}

const MAGIC = new Set(['hostvars', 'groups', 'group_names', 'inventory_hostname', 'inventory_hostname_short']);

function placeOf({ inventory, extraVars }: Project, host: string, variable: string): string {
  if (Object.hasOwn(extraVars, variable)) return '--extra-vars';
  const span: Span | undefined = inventory.origins.get(host)?.get(variable);
  return span === undefined ? '' : `${span.file}:${span.line}`;
}

function shownValue(name: string, value: unknown): unknown {
  if (value instanceof Secret || isSensitiveKey(name)) return '[secret]';
  if (value instanceof Vaulted) return '[vault]';
  if (Array.isArray(value)) return value.map((item) => shownValue(name, item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shownValue(key, inner)]));
}

/** For JSON.stringify: the plain value of a password or key. */
function masked(name: string, value: unknown): unknown {
  return isSensitiveKey(name) && (typeof value === 'string' || typeof value === 'number') ? '[secret]' : value;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
