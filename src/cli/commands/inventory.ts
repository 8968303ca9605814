import pico from 'picocolors';
import { findHost, type Group, type Inventory } from '../../inventory/inventory.ts';
import { list } from '../../inventory/list.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import { renderedVars } from '../../inventory/rendered-vars.ts';
import { hasErrors } from '../../lang/diagnostic.ts';
import { didYouMean } from '../../lang/did-you-mean.ts';
import { isSensitiveKey } from '../../lang/sensitive-keys.ts';
import { Vaulted } from '../../lang/vaulted.ts';
import { Secret } from '../../model/secret.ts';
import type { Span } from '../../model/span.ts';
import { visibleLine } from '../../report/visible.ts';
import { EXIT, UsageFault } from '../exit.ts';
import { table } from '../machine/table.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { CommonOptions } from '../options/options.ts';
import { loadProject, type Project, showDiagnostics } from '../project/load.ts';
import { connectionRows } from '../reach/connection-rows.ts';
import { partLines } from '../shard/words.ts';

/** Hosts, groups and tunnels; as JSON the document of `ansible-inventory --list`, its passwords and keys hidden. */
export async function inventoryList(options: CommonOptions, terminal: Terminal): Promise<number> {
  const project = await loadProject(options, undefined, terminal, undefined, 'none');
  if (project === null) return EXIT.input;
  const { inventory, tunnels } = project;
  if (options.output !== 'human') {
    if (options.shard !== undefined)
      throw new UsageFault(
        '-o json lists the whole inventory, as ansible-inventory does',
        'leave --shard or -o json out',
      );
    terminal.stdout(`${JSON.stringify(list(inventory), masked, options.output === 'json' ? 4 : 0)}\n`);
    return EXIT.done;
  }
  const chosen = selectHosts(inventory, options.limit ?? 'all');
  showDiagnostics(chosen.diagnostics, project.sources, options, terminal);
  if (chosen.diagnostics.length > 0) return EXIT.input;
  for (const line of project.shard === null ? [] : partLines(project.shard)) terminal.stderr(line);
  const hosts = chosen.hosts.filter((name) => project.shard?.has(name) ?? true);
  const rows = hosts.map((name) => {
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

/**
 * A host's variables as templates see them, how it is reached, and where each was written. Passwords and keys stay
 * hidden. Where the way to it cannot be worked out, the variables are shown all the same.
 */
export async function inventoryHost(name: string, options: CommonOptions, terminal: Terminal): Promise<number> {
  const project = await loadProject(options, undefined, terminal, undefined, 'none');
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
  const connection = await connectionRows(project, host, options, terminal, (each) => placeOf(project, name, each));
  const { fault } = connection;
  showDiagnostics(connection.diagnostics, project.sources, options, terminal);
  if (fault !== null) {
    const fix = fault.fix === undefined ? '' : `  ${fault.fix}\n`;
    terminal.stderr(`ipsec-play: how ${name} is reached is not known: ${visibleLine(fault.message)}\n${fix}`);
  }
  const code = fault !== null || hasErrors(connection.diagnostics) ? EXIT.input : EXIT.done;
  if (options.output !== 'human') {
    const shown = Object.fromEntries(
      names.map((each) => [each, { value: shownValue(each, vars[each]), from: placeOf(project, name, each) }]),
    );
    const reached = connection.rows.map(({ name: what, value, from }) => [what.replaceAll(' ', '_'), { value, from }]);
    const document = {
      schema: 'ipsec-play/inventory-host/1',
      host: name,
      groups: host.groups,
      vars: shown,
      connection: code === EXIT.done ? Object.fromEntries(reached) : null,
    };
    terminal.stdout(`${JSON.stringify(document, null, options.output === 'json' ? 2 : 0)}\n`);
    return code;
  }
  const rows = names.map((each) => [each, text(shownValue(each, vars[each])), placeOf(project, name, each)]);
  const reached = connection.rows.flatMap(({ name: what, value, from }) =>
    (Array.isArray(value) && value.length === 0 ? ['none'] : [value].flat()).map((each, index) =>
      index === 0 ? [what, String(each), from] : ['', String(each), ''],
    ),
  );
  const tables = [
    table(['VARIABLE', 'VALUE', 'FROM'], rows),
    ...(reached.length === 0 ? [] : [table(['CONNECTION', 'VALUE', 'FROM'], reached)]),
  ];
  terminal.stdout(`${name}  (groups: ${host.groups.join(', ')})\n${tables.join('\n\n')}\n`);
  return code;
}

/** Groups, the groups and hosts in them, as a tree. */
export async function inventoryGraph(options: CommonOptions, terminal: Terminal): Promise<number> {
  const project = await loadProject(options, undefined, terminal, undefined, 'none');
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
  if (value instanceof Vaulted) return '[vault]';
  if (value instanceof Secret || isSensitiveKey(name)) return '[secret]';
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
