import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { memoryFiles } from '../../src/inventory/files.ts';
import { loadInventory } from '../../src/inventory/load-inventory.ts';
import { formatDiagnostics } from '../../src/lang/format-diagnostics.ts';
import { readCase } from './cases.ts';

/** Each `.case` is an inventory with mistakes, its `.golden` what a user gets to see. */
describe('bad inventories', () => {
  const root = join(import.meta.dirname, 'bad');
  const names = readdirSync(root).filter((name) => name.endsWith('.case'));

  test.each(names)('%s', async (name) => {
    const { files } = readCase(readFileSync(join(root, name), 'utf8'));
    const { diagnostics, sources } = loadInventory('.', memoryFiles(files));
    const shown = formatDiagnostics(diagnostics, sources, { color: false });
    await expect(shown).toMatchFileSnapshot(join(root, name.replace('.case', '.golden')));
  });

  test('a file that cannot be read is told, not passed over', () => {
    const files = memoryFiles({ 'inv/hosts.yml': 'all: {hosts: {a: }}', 'inv/group_vars/all.yml': '' });
    const { diagnostics } = loadInventory('inv', {
      ...files,
      read: (path) => (path.endsWith('all.yml') ? undefined : files.read(path)),
    });
    expect(diagnostics.map(({ code }) => code)).toEqual(['file-unreadable']);
  });

  test('an inventory that is not there', () => {
    for (const location of ['nowhere', 'nowhere/hosts.yml']) {
      expect(loadInventory(location, memoryFiles({ 'x.yml': '' })).diagnostics.map(({ code }) => code)).toEqual([
        'inventory-missing',
      ]);
    }
  });
});
