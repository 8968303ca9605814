import { type Diagnostic, error } from '../lang/diagnostic.ts';
import { didYouMean } from '../lang/did-you-mean.ts';
import type { Located, Pointer } from '../lang/yaml.ts';
import { parseHostPattern } from './address-pattern.ts';
import { addChild, addGroup, addHost, emptyTree, type GroupTree, reconcile } from './group-tree.ts';
import { expandHostRange } from './host-range.ts';

/** Reads a parsed Ansible YAML inventory (the `yaml` inventory plugin). Mistakes that Ansible passes over are errors. */
export function readHosts(document: Located): {
  readonly tree: GroupTree;
  readonly diagnostics: readonly Diagnostic[];
} {
  const reading: Reading = { document, tree: emptyTree(), diagnostics: [] };
  const { value } = document;
  if (value === null || value === undefined) {
    problem(reading, 'inventory-empty', 'the inventory is empty', [], 'all: with hosts: below it');
  } else if (isMapping(value)) readTop(reading, value);
  else
    problem(
      reading,
      'inventory-structure',
      `an inventory is a mapping of groups, this is ${kind(value)}`,
      [],
      'all: with hosts: below it',
    );
  reconcile(reading.tree);
  refuseConflicts(reading);
  return reading;
}

interface Reading {
  readonly document: Located;
  readonly tree: GroupTree;
  readonly diagnostics: Diagnostic[];
}

type Mapping = Readonly<Record<string, unknown>>;

const SECTIONS = ['hosts', 'children', 'vars'] as const;

function readTop(reading: Reading, groups: Mapping): void {
  for (const [name, value] of Object.entries(groups)) {
    if (SECTIONS.some((section) => section === name)) {
      problem(
        reading,
        'inventory-structure',
        `"${name}" stands outside of any group`,
        [name],
        `all: with ${name}: below it`,
        true,
      );
    } else readGroup(reading, name, value, [name]);
  }
}

function readGroup(reading: Reading, name: string, value: unknown, at: Pointer): void {
  if (!isName(reading, 'group', at)) return;
  addGroup(reading.tree, name);
  if (value === null) return;
  if (!isMapping(value)) {
    const fix = `hosts:, children: or vars: below "${name}:"`;
    problem(reading, 'inventory-structure', `group "${name}" must be a mapping, this is ${kind(value)}`, at, fix);
    return;
  }
  for (const [key, section] of Object.entries(value)) {
    const inner = [...at, key];
    if (key === 'vars') readGroupVars(reading, name, section, inner);
    else if (key === 'children') readChildren(reading, name, section, inner);
    else if (key === 'hosts') readGroupHosts(reading, name, section, inner);
    else {
      const fix =
        didYouMean(key, SECTIONS) ??
        'hosts, children or vars; a host goes below hosts:, a group below children:, a variable below vars:';
      problem(reading, 'unknown-key', `unknown key "${key}" in group "${name}"`, inner, fix, true);
    }
  }
}

function readGroupVars(reading: Reading, name: string, value: unknown, at: Pointer): void {
  const vars = sectionOf(reading, name, 'vars', value, at);
  const group = addGroup(reading.tree, name);
  for (const [key, inner] of Object.entries(vars)) {
    if (key === 'ansible_group_priority') {
      const number = typeof inner === 'string' ? Number(inner.trim() || Number.NaN) : inner;
      if (typeof number === 'number' && Number.isInteger(number)) group.priority = number;
      else
        problem(
          reading,
          'inventory-priority',
          'ansible_group_priority must be a whole number',
          [...at, key],
          'ansible_group_priority: 10',
        );
    } else if (isName(reading, 'variable', [...at, key]))
      group.vars.set(key, { value: inner, span: reading.document.span([...at, key]) });
  }
}

function readChildren(reading: Reading, name: string, value: unknown, at: Pointer): void {
  for (const [child, inner] of Object.entries(sectionOf(reading, name, 'children', value, at))) {
    readGroup(reading, child, inner, [...at, child]);
    if (!addChild(reading.tree, name, child)) {
      const message =
        child === 'all'
          ? 'group "all" cannot be below another'
          : `group "${child}" is above "${name}", it cannot be below it too`;
      problem(reading, 'inventory-cycle', message, [...at, child], 'one direction only', true);
    }
  }
}

function readGroupHosts(reading: Reading, name: string, value: unknown, at: Pointer): void {
  for (const [pattern, inner] of Object.entries(sectionOf(reading, name, 'hosts', value, at))) {
    readHostPattern(reading, name, pattern, inner, [...at, pattern]);
  }
}

function readHostPattern(reading: Reading, group: string, pattern: string, value: unknown, at: Pointer): void {
  if (!isName(reading, 'host', at)) return;
  const { host, port } = parseHostPattern(pattern) ?? { host: pattern };
  const range = expandHostRange(host);
  if ('fault' in range) {
    problem(
      reading,
      'inventory-range',
      `"${pattern}" is no range of hosts: ${range.fault}`,
      at,
      'gw[01:20] or gw-[a:f]',
      true,
    );
    return;
  }
  if (value && !isMapping(value)) {
    problem(
      reading,
      'inventory-structure',
      `the variables of host "${pattern}" must be a mapping, this is ${kind(value)}`,
      at,
      `"name: value" lines below "${pattern}:"`,
    );
    return;
  }
  const span = reading.document.keySpan(at);
  const vars = Object.entries(isMapping(value) ? value : {}).filter(([key]) =>
    isName(reading, 'variable', [...at, key]),
  );
  for (const host of range.names) {
    const isNew = !reading.tree.hosts.has(host);
    const node = addHost(reading.tree, group, host, span);
    if (isNew && port !== undefined) node.vars.set('ansible_port', { value: port, span });
    for (const [key, inner] of vars) node.vars.set(key, { value: inner, span: reading.document.span([...at, key]) });
  }
}

/** A section of a group; Ansible takes a single name for a mapping with that name. */
function sectionOf(reading: Reading, group: string, section: string, value: unknown, at: Pointer): Mapping {
  if (value === null) return {};
  if (isMapping(value)) return value;
  if (typeof value === 'string' && section !== 'vars') return { [value]: null };
  const example =
    section === 'vars'
      ? 'name: value'
      : Array.isArray(value) && typeof value[0] === 'string' && reading.document.source.sealed !== true
        ? `${value[0]}:`
        : 'name:';
  const fix = `"${section}:" with a line "${example}" below it for each${Array.isArray(value) ? ', without "- "' : ''}`;
  problem(
    reading,
    'inventory-structure',
    `"${section}" of group "${group}" must be a mapping, this is ${kind(value)}`,
    at,
    fix,
  );
  return {};
}

/** YAML reads `10:` and `yes:` as no strings; Ansible refuses them as names. */
function isName(reading: Reading, what: string, at: Pointer): boolean {
  const key = reading.document.key(at);
  if (key === undefined || typeof key === 'string') {
    if (key !== '') return true;
    problem(reading, 'inventory-name', `the ${what} has an empty name`, at, undefined, true);
    return false;
  }
  const text = reading.document.keyText(at) ?? '';
  problem(
    reading,
    'inventory-name',
    `the name of a ${what} must be a string, this is ${kind(key)}`,
    at,
    `"${text}": in quotes`,
    true,
  );
  return false;
}

/** Ansible only warns, and then gives the host's variables to the group and the group's place to the host. */
function refuseConflicts({ tree, diagnostics }: Reading): void {
  for (const { name, span } of tree.hosts.values()) {
    if (!tree.groups.has(name)) continue;
    const message = `"${name}" is both a host and a group, which Ansible mixes up`;
    diagnostics.push(error('inventory-name-conflict', message, { span, fix: 'another name for one of them' }));
  }
}

function problem(reading: Reading, code: string, message: string, at: Pointer, fix?: string, key = false): void {
  const { document, diagnostics } = reading;
  const span = key ? document.keySpan(at) : document.span(at);
  diagnostics.push(error(code, message, { span, ...(fix === undefined ? {} : { fix }) }));
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function kind(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return { string: 'a string', number: 'a number', boolean: 'true or false' }[typeof value as string] ?? 'a mapping';
}
