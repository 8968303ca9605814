import { expect, test } from 'vitest';
import { memoryFiles } from '../../src/inventory/files.ts';
import { findHost } from '../../src/inventory/inventory.ts';
import { loadInventory } from '../../src/inventory/load-inventory.ts';
import { selectHosts } from '../../src/inventory/pattern.ts';

const { inventory } = loadInventory(
  'hosts.yml',
  memoryFiles({
    'hosts.yml': 'all: {vars: {v: 1}}\nprod: {hosts: {"gw[1:3]": , lana: }}\nempty:\n',
    'host_vars/localhost.yml': 'w: 2\n',
  }),
);

test.each<[string | string[], string[], string | undefined]>([
  ['prdo', ['pattern-no-match'], 'did you mean "prod"?'],
  ['all:!prdo', ['pattern-no-match'], 'did you mean "prod"?'],
  ['all:&lnaa', ['pattern-no-match'], 'did you mean "lana"?'],
  ['zzz*', ['pattern-no-match'], 'the name of a host or group of the inventory'],
  ['empty', ['pattern-no-hosts'], undefined],
  ['all:!all', ['pattern-no-hosts'], undefined],
  ['gw*[7]', ['pattern-range'], 'a number from 0 to 2'],
  ['~gw(', ['pattern-syntax'], undefined],
  ['', ['pattern-empty'], undefined],
  [' ', ['pattern-empty'], undefined],
  ['all,!', ['pattern-empty'], undefined],
  [['lnaa', 'prdo'], ['pattern-no-match', 'pattern-no-match'], undefined],
])('%j is refused', (pattern, codes, fix) => {
  const span = { file: 'p.yml', line: 2, column: 3, endLine: 2, endColumn: 9 };
  const { diagnostics } = selectHosts(inventory, pattern, span);
  expect(diagnostics.map(({ code }) => code)).toEqual(codes);
  expect(diagnostics[0]).toMatchObject({ severity: 'error', span, ...(fix === undefined ? {} : { fix }) });
});

test('a list of patterns is one pattern', () => {
  expect(selectHosts(inventory, ['gw*', '!gw2', 'lana'])).toEqual({ hosts: ['gw1', 'gw3', 'lana'], diagnostics: [] });
});

test('localhost that no file names', () => {
  expect(selectHosts(inventory, 'localhost')).toEqual({ hosts: ['localhost'], diagnostics: [] });
  expect(selectHosts(inventory, 'all').hosts).not.toContain('localhost');
  expect(findHost(inventory, '127.0.0.1')).toEqual({
    name: '127.0.0.1',
    groups: [],
    vars: { v: 1, w: 2, ansible_connection: 'local' },
  });
  expect(findHost(inventory, 'other')).toBeUndefined();
});
