import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memoryFiles } from '../../src/inventory/files.ts';
import { list } from '../../src/inventory/list.ts';
import { loadInventory } from '../../src/inventory/load-inventory.ts';
import { PRECEDENCE } from '../../src/inventory/precedence.ts';
import { hostVariables, renderedVars } from '../../src/inventory/rendered-vars.ts';
import { TemplateFault, template } from '../../src/lang/template.ts';
import { inventories } from './arbitrary.ts';

const FILES = {
  'inv/hosts.yml': `
all:
  vars: { v: inventory-all, domain: example.com }
  children:
    prod: { vars: { v: inventory-groups }, hosts: { lana: { v: inventory-host } } }
    other: { hosts: { lanb.example.com: , 10.0.0.1: } }
`,
  'inv/group_vars/all.yml': 'v: group-vars-all\n',
  'play/group_vars/all.yml': 'v: playbook-group-vars-all\n',
  'inv/group_vars/prod.yml': 'v: group-vars\n',
  'play/group_vars/prod.yml': 'v: playbook-group-vars\n',
  'inv/host_vars/lana.yml':
    'v: host-vars\nfqdn: "{{ inventory_hostname }}.{{ domain }}"\nbad: "{{ nothing }}"\npeer: "{{ hostvars[\'lanb.example.com\'].fqdn }}"\n',
  'inv/host_vars/lanb.example.com.yml': 'fqdn: "{{ inventory_hostname_short }}!{{ domain }}"\n',
  'play/host_vars/lana.yml': 'v: playbook-host-vars\n',
  'inv/tunnels.yml': 'tunnels: {}\n',
};

function load(files: Readonly<Record<string, string>> = FILES) {
  return loadInventory('inv/', memoryFiles(files), { playbookDirectory: 'play' });
}

/** The places of `v`, lowest precedence first, and the file of each. */
const PLACES: readonly [string, string][] = [
  ['inventory-all', 'inv/hosts.yml'],
  ['inventory-groups', 'inv/hosts.yml'],
  ['group-vars-all', 'inv/group_vars/all.yml'],
  ['playbook-group-vars-all', 'play/group_vars/all.yml'],
  ['group-vars', 'inv/group_vars/prod.yml'],
  ['playbook-group-vars', 'play/group_vars/prod.yml'],
  ['inventory-host', 'inv/hosts.yml'],
  ['host-vars', 'inv/host_vars/lana.yml'],
  ['playbook-host-vars', 'play/host_vars/lana.yml'],
];

describe('precedence', () => {
  test('the table is in the order of the places', () => {
    expect(PRECEDENCE.map(({ source }) => source).slice(0, PLACES.length)).toEqual(PLACES.map(([source]) => source));
  });

  test.each(PLACES.map(([source], at) => [source, at] as const))('%s wins over those below it', (source, at) => {
    const higher = PLACES.slice(at + 1).map(([name]) => name);
    const files = Object.fromEntries(
      Object.entries(FILES).map(([path, text]) => [
        path,
        higher.reduce(
          (left, name) => left.replace(new RegExp(`\\bv: ${name}(?![\\w-])`), `unused_${name.replaceAll('-', '_')}: 1`),
          text,
        ),
      ]),
    );
    const { inventory } = load(files);
    expect(inventory.hosts.get('lana')?.vars.v).toBe(source);
    expect(inventory.origins.get('lana')?.get('v')?.file).toBe(PLACES[at]?.[1]);
  });
});

describe('variables', () => {
  const { inventory, sources, diagnostics } = load();

  test('what is read', () => {
    expect(diagnostics).toEqual([]);
    expect(inventory.tunnelsDocument?.value).toEqual({ tunnels: {} });
    expect([...sources.keys()].sort()).toEqual(Object.keys(FILES).sort());
    expect(inventory.origins.get('lana')?.get('fqdn')).toMatchObject({
      file: 'inv/host_vars/lana.yml',
      line: 2,
      column: 7,
    });
  });

  test.each(['.', 'group_vars', 'host_vars/a'])('a directory that may not be read is reported: %s', (locked) => {
    const files = memoryFiles({
      'hosts.yml': 'all: { hosts: { a: } }',
      'group_vars/all.yml': 'x: 1',
      'host_vars/a/x.yml': '',
    });
    const { diagnostics } = loadInventory('.', {
      ...files,
      list: (directory) => (directory === locked ? [] : files.list(directory)),
      isLocked: (directory) => directory === locked,
    });
    expect(diagnostics.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      `file-unreadable: the directory ${locked} cannot be read`,
    ]);
  });

  test('magic and extra ones', () => {
    const vars = hostVariables(inventory, 'lanb.example.com', { domain: 'extra', inventory_hostname: 'no' });
    const render = (text: string) => template(text).resolve(vars);
    expect(render('{{ inventory_hostname }} {{ inventory_hostname_short }} {{ group_names }}')).toBe(
      "lanb.example.com lanb ['other']",
    );
    expect(render('{{ fqdn }}')).toBe('lanb!extra');
    expect(render('{{ groups.prod }} {{ groups["all"] | length }} {{ "prod" in groups }}')).toBe("['lana'] 3 True");
    expect(render('{{ hostvars.lana.fqdn }}')).toBe('lana.extra');
    expect(render('{{ groups["prod"] | map("extract", hostvars, "fqdn") | list }}')).toEqual(['lana.extra']);
    expect(render('{{ groups["prod"] | map("extract", hostvars, ["fqdn"]) | first }}')).toBe('lana.extra');
    expect(render('{{ hostvars | list }}')).toEqual(['lana', 'lanb.example.com', '10.0.0.1']);
    expect(render('{{ hostvars.lana.nothing | default("d") }}')).toBe('d');
    expect(hostVariables(inventory, '10.0.0.1').inventory_hostname_short).toBe('10.0.0.1');
    expect(() => render('{{ hostvars.lnaa.v }}')).toThrow(TemplateFault);
  });

  test('rendered for reading, each on its own', () => {
    const vars = renderedVars(inventory, 'lana');
    expect(vars.fqdn).toBe('lana.example.com');
    expect(vars.peer).toBe('lanb!example.com');
    expect(vars.bad).toBe('{{ nothing }}');
    expect(vars.constructor).toBeUndefined();
    expect(Object.keys(vars)).toContain('fqdn');
  });

  test('later variables reach into earlier templates', () => {
    const vars = { ...hostVariables(inventory, 'lana'), domain: 'play' };
    expect(template('{{ fqdn }}').resolve(vars)).toBe('lana.play');
  });
});

describe('laws', () => {
  test('no order of keys in vars files or host entries matters, and reading twice is the same', () => {
    fc.assert(
      fc.property(inventories, (files) => {
        const once = loadInventory('hosts.yml', memoryFiles(files)).inventory;
        const reversed = Object.fromEntries(
          Object.entries(files)
            .map(([path, text]) => [path, path.includes('_vars/') ? reverseKeys(text) : text])
            .reverse(),
        );
        const again = loadInventory('hosts.yml', memoryFiles(reversed)).inventory;
        expect(list(again)).toEqual(list(once));
      }),
      { numRuns: 100 },
    );
  });

  test('every winning value has a place', () => {
    fc.assert(
      fc.property(inventories, (files) => {
        const { inventory } = loadInventory('hosts.yml', memoryFiles(files), { playbookDirectory: 'play' });
        for (const [name, host] of inventory.hosts) {
          expect([...(inventory.origins.get(name)?.keys() ?? [])].sort()).toEqual(Object.keys(host.vars).sort());
          expect(inventory.hostSpans.get(name)?.file).toBe('hosts.yml');
          expect(host.groups[0]).toBe('all');
        }
      }),
      { numRuns: 100 },
    );
  });
});

function reverseKeys(text: string): string {
  const value: unknown = JSON.parse(text);
  return JSON.stringify(Object.fromEntries(Object.entries(value as object).reverse()));
}
