import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { memoryFiles } from '../../src/inventory/files.ts';
import { list } from '../../src/inventory/list.ts';
import { loadInventory } from '../../src/inventory/load-inventory.ts';
import { selectHosts } from '../../src/inventory/pattern.ts';
import { askAnsible, inDirectory, oracleTest } from './ansible.ts';
import { inventories, patterns } from './arbitrary.ts';
import { type Case, readCase } from './cases.ts';

/**
 * The real Ansible is asked through its own InventoryCLI and InventoryManager, many inventories in one process; the
 * fixtures go through the `ansible-inventory` and `ansible-playbook` commands themselves (commands.test.ts).
 */
const PROGRAM = `
import json, os, sys
from ansible import context
from ansible.cli.inventory import InventoryCLI
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.ajson import AnsibleJSONEncoder
from ansible.plugins.vars import host_group_vars
from ansible.utils.vars import load_extra_vars
from ansible.vars.manager import VariableManager

questions = json.load(sys.stdin)
answers = []
for question in questions:
    host_group_vars.FOUND.clear()
    directory = os.path.abspath(question['directory'])
    cli = InventoryCLI(['ansible-inventory', '-i', os.path.join(directory, 'hosts.yml'), '--list'])
    cli.parse()
    load_extra_vars.extra_vars = {}
    cli.loader = DataLoader()
    cli.loader.set_basedir(os.path.join(directory, 'play'))
    cli.inventory = InventoryManager(loader=cli.loader, sources=[os.path.join(directory, 'hosts.yml')])
    cli.vm = VariableManager(loader=cli.loader, inventory=cli.inventory)
    listed = json.loads(cli.dump(cli.json_inventory(cli._get_group('all'))))
    selected = []
    data = cli.inventory._inventory
    for pattern in question['patterns']:
        if data.localhost and data.localhost.implicit:
            data.localhost = None
            cli.inventory.clear_caches()
        try:
            selected.append([h.name for h in cli.inventory.get_hosts(pattern)])
        except Exception as e:
            selected.append(None)
    answers.append({'list': listed, 'hosts': selected})
print(chr(1) + json.dumps(answers))
`;

interface Answer {
  readonly list: unknown;
  /** Null: the pattern is refused. */
  readonly hosts: readonly (readonly string[] | null)[];
}

function ansible(cases: readonly Case[]): readonly Answer[] {
  const all = Object.fromEntries(
    cases.flatMap(({ files }, at) => Object.entries(files).map(([path, text]) => [`${at}/${path}`, text])),
  );
  const questions = cases.map(({ patterns }, at) => ({ directory: String(at), patterns }));
  return inDirectory(all, (directory) => askAnsible(PROGRAM, questions, directory)) as Answer[];
}

function ours({ files, patterns }: Case): Answer & { readonly errors: readonly string[] } {
  const { inventory, diagnostics } = loadInventory('hosts.yml', memoryFiles(files), { playbookDirectory: 'play' });
  return {
    list: JSON.parse(JSON.stringify(list(inventory))),
    hosts: patterns.map((pattern) => {
      const { hosts, diagnostics } = selectHosts(inventory, pattern);
      return diagnostics.some(({ code }) => code === 'pattern-range') ? null : hosts;
    }),
    errors: diagnostics
      .filter(({ severity }) => severity === 'error')
      .map(({ code, message }) => `${code}: ${message}`),
  };
}

function compare(cases: readonly Case[]): void {
  const theirs = ansible(cases);
  cases.forEach((one, at) => {
    const mine = ours(one);
    expect({ files: one.files, errors: mine.errors }).toEqual({ files: one.files, errors: [] });
    expect({ files: one.files, list: mine.list }).toEqual({ files: one.files, list: theirs[at]?.list });
    one.patterns.forEach((pattern, which) => {
      // Ansible walks a level of groups in the order of a Python set: where several of them have children, the order
      // differs from run to run, and with it what a subscript means
      const unordered = branches(mine.list) > 1;
      if (unordered && pattern.includes('[')) return;
      const settled = (hosts: readonly string[] | null | undefined) => (unordered ? [...(hosts ?? [])].sort() : hosts);
      const [own, other] = [settled(mine.hosts[which]), settled(theirs[at]?.hosts[which])];
      expect({ files: one.files, pattern, hosts: own }).toEqual({ files: one.files, pattern, hosts: other });
    });
  });
}

describe('the same as Ansible', () => {
  oracleTest('fixtures', () => {
    const root = join(import.meta.dirname, 'fixtures');
    const cases = readdirSync(root)
      .sort()
      .map((name) => readCase(readFileSync(join(root, name), 'utf8')));
    expect(cases.length).toBeGreaterThan(5);
    compare(cases);
  });

  oracleTest('generated inventories, variables and patterns', () => {
    const samples = fc.sample(
      fc.record({ files: inventories, patterns: fc.array(patterns, { minLength: 8, maxLength: 8 }) }),
      { numRuns: 150, seed: 20_060_911 },
    );
    compare(samples);
    const random = fc.sample(
      fc.record({ files: inventories, patterns: fc.array(patterns, { minLength: 4, maxLength: 4 }) }),
      50,
    );
    compare(random);
  });

  oracleTest('plain scalars are read as PyYAML reads them', () => {
    const scalars =
      'yes no on off y n Y N true True TRUE tRUE null ~ Null NULL nULL 0 00 07 08 09 0777 0o17 10 -3 +4 1_000 0x1F 0X1F 0b101 0b 0x 12:30:45 1:2 61:61 0:0 1.5 1. .5 1e3 1.0e3 1.5e+3 1e+3 12e03 1.2.3 1.2.3.4 .inf -.inf .nan +.inf 2001-12-14 2001-12-14T21:59:43Z =  -  _1 1_ ._1 1__2 - 0_7 0x_1 12345678901234567890123 "quoted" \'1\' <x %a'
        .split(' ')
        .filter(
          (scalar) =>
            ![
              '',
              '-',
              '.inf',
              '-.inf',
              '+.inf',
              '.nan',
              '%a',
              '=',
              '2001-12-14',
              '2001-12-14T21:59:43Z',
              '12345678901234567890123',
            ].includes(scalar),
        );
    const lines = scalars.map((scalar, at) => `      v${at}: ${scalar}`);
    compare([{ files: { 'hosts.yml': `all:\n  hosts:\n    h:\n${lines.join('\n')}\n` }, patterns: [] }]);
  });
});

function branches(listed: unknown): number {
  const groups = Object.entries(listed as Record<string, { children?: unknown }>);
  return groups.filter(([name, group]) => name !== 'all' && group.children !== undefined).length;
}
