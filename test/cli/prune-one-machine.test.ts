import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { planPrune, type Traces } from '../../src/cli/drift/plan-prune.ts';
import { type Project, shippedProject } from '../support/cli.ts';

/** `prune`, where the inventory has two names for one machine: a tunnel of the one name is no leftover of the other. */
describe('prune, where one machine has two names', { timeout: 60_000 }, () => {
  let project: Project;
  const ifcfg = (host: string) =>
    existsSync(join(project.path, '.ipsec-play/lab', host, 'root/etc/sysconfig/network-scripts/ifcfg-ipsec0'));

  beforeAll(async () => {
    project = shippedProject();
    const { code, stdout, stderr } = await project.run('apply', 'playbooks/network-to-network.yml', '--lab');
    expect(code, stdout + stderr).toBe(0);
    project.edit('inventory/hosts.yml', /^( *)lana: .*\n/gm, '$&$1lana-inside: { ansible_host: 10.0.1.254 }\n');
    symlinkSync('lana', join(project.path, '.ipsec-play/lab/lana-inside'));
  }, 60_000);
  afterAll(() => project.remove());

  test.each([[[]], [['--limit', 'lana-inside']]])('leaves alone what tunnels.yml names %j', async (more) => {
    const { code, stdout, stderr } = await project.run('prune', '--check', '--lab', ...more);
    expect([code, stdout, stderr]).toEqual([0, 'There is nothing to prune.\n', '']);
  });

  test('removes once what it names no more', async () => {
    project.edit('inventory/tunnels.yml', / {2}lana-lanb:\n(?: {4}.*\n)+/g, '');
    const { code, stdout, stderr } = await project.run('prune', '--lab', '--yes', '--limit', 'lana-inside');
    expect(code, stdout + stderr).toBe(0);
    expect(stderr).not.toContain('nothing of it was created');
    expect([ifcfg('lana'), ifcfg('lanb')]).toEqual([false, false]);
  });
});

describe('a plan to prune', () => {
  const leftover = { tunnel: 'a-b', nickname: 'a-b', other: 'b', kept: null, tasks: [] };
  const found: Traces = { host: 'a-inside', named: [], leftovers: [leftover] };
  const named = [{ tunnel: 'a-b', nickname: 'a-b', other: 'b' }];

  test('leaves alone a tunnel that a host has which could not be asked: it may be the same machine', () => {
    const dark: Traces = { host: 'a', named, leftovers: null };
    const { plays, unseen } = planPrune([dark, found], null);
    expect([plays, unseen]).toEqual([[], [{ tunnel: 'a-b', host: 'a' }]]);
  });

  test('leaves it alone also under the name that it had when it was made', () => {
    const renamed = [{ tunnel: 'site-one', nickname: 'a-b', other: 'b' }];
    const { plays, unseen } = planPrune([{ host: 'a', named: renamed, leftovers: null }, found], null);
    expect([plays, unseen]).toEqual([[], [{ tunnel: 'a-b', host: 'a' }]]);
  });

  test('takes what has no more than the nickname of a tunnel elsewhere', () => {
    const another = [{ tunnel: 'a-c', nickname: 'a-b', other: 'c' }];
    const { plays } = planPrune([{ host: 'a', named: another, leftovers: null }, found], null);
    expect(plays).toHaveLength(1);
  });

  test('takes what was moved from one host to another', () => {
    const moved: Traces = { host: 'a', named, leftovers: [] };
    const { plays, unseen } = planPrune([moved, found], null);
    expect([plays.flatMap(({ hosts }) => hosts.map(({ host }) => host)), unseen]).toEqual([['a-inside'], []]);
  });
});
