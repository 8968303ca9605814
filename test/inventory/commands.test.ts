import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { fileInventory } from '../../src/inventory/files.ts';
import { list } from '../../src/inventory/list.ts';
import { loadInventory } from '../../src/inventory/load-inventory.ts';
import { selectHosts } from '../../src/inventory/pattern.ts';
import { inDirectory, oracleTest } from './ansible.ts';
import { readCase } from './cases.ts';

const { files, patterns } = readCase(readFileSync(join(import.meta.dirname, 'fixtures/seeds.case'), 'utf8'));

oracleTest('ansible-inventory --list and ansible-playbook --list-hosts, the commands themselves', () => {
  const playbook = patterns.map((hosts, at) => ({ name: `play ${at}`, hosts, gather_facts: false }));
  inDirectory({ ...files, 'site.yml': JSON.stringify(playbook) }, (directory) => {
    const run = (program: string, ...args: string[]) =>
      execFileSync(program, args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const { inventory } = loadInventory(directory, fileInventory, { playbookDirectory: directory });
    expect(list(inventory)).toEqual(JSON.parse(run('ansible-inventory', '-i', 'hosts.yml', '--list')));

    const plays = run('ansible-playbook', '-i', 'hosts.yml', '--list-hosts', 'site.yml')
      .split(/^ {2}play #/m)
      .slice(1);
    const theirs = plays.map((play) =>
      play
        .split(/hosts \(\d+\):\n/)[1]
        ?.split('\n')
        .map((line) => line.trim())
        .filter(Boolean),
    );
    // the command prints a Python set; the order of the run is compared in oracle.test.ts
    const ours = patterns.map((pattern) => [...selectHosts(inventory, pattern).hosts].sort());
    expect(ours).toEqual(theirs.map((hosts) => hosts?.sort()));
  });
});
