import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunDocument } from '../../src/report/json.ts';
import { type Project, type Ran, shippedProject, tree } from '../support/cli.ts';

/** `prune` over the lab, with connections of others beside ours. */
let project: Project;
const SCRIPTS = 'etc/sysconfig/network-scripts';
const root = (host: string) => join(project.path, '.ipsec-play/lab', host, 'root');
const at = (host: string, path: string) => join(root(host), path);
const text = (host: string, path: string) => readFileSync(at(host, path), 'latin1');
const has = (host: string, path: string) => existsSync(at(host, path));
const policies = (host: string) =>
  kernelOf(host)
    .filter(([path]) => path.includes('lab-kernel'))
    .map(([, file]) => file)
    .join('\n');
const kernelOf = (host: string) =>
  Object.entries(tree(root(host)))
    .filter(([path]) => /^(etc|var\/lib\/(lab-kernel|ipsec-play\/made))\//.test(path))
    // The lab gives a host the addresses that the inventory says.
    .filter(([path]) => !path.endsWith('lab-kernel/links'))
    .map(
      ([path, file]) => [path, file.replace(/^(\d+) \S+ /, '$1 ').replaceAll(/\t\d+\t\w{3} [\d :]+$/gm, '')] as const,
    );

const ok = (ran: Ran) => {
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  return ran;
};
const forget = () => project.edit('inventory/tunnels.yml', / {2}lana-lanb:\n(?: {4}.*\n)+/g, '');
const apply = async (playbook = 'network-to-network') =>
  ok(await project.run('apply', `playbooks/${playbook}.yml`, '--lab'));

/** racoon, and nothing of ours yet. */
async function withTools(): Promise<void> {
  project.write(
    'playbooks/tools.yml',
    '- hosts: lana\n  tasks:\n    - package: { name: ipsec-tools, state: present }\n',
  );
  await apply('tools');
}

/** A connection that somebody has made by hand on lana, and brought up. */
async function byHand(nickname: string, peer: string, network: string): Promise<void> {
  writeFileSync(
    at('lana', `${SCRIPTS}/ifcfg-${nickname}`),
    `# made by hand\nTYPE=IPSEC\nONBOOT=no\nIKE_METHOD=PSK\nSRCNET=192.168.1.0/24\nDSTNET=${network}\nSRCGW=192.168.1.254\nDSTGW=10.9.0.1\nDST=${peer}\n`,
  );
  writeFileSync(at('lana', `${SCRIPTS}/keys-${nickname}`), 'IKE_PSK=r3dh4tl1nux\n', { mode: 0o600 });
  project.write('playbooks/hand.yml', `- hosts: lana\n  tasks:\n    - command: ifup ${nickname}\n`);
  await apply('hand');
}

describe('prune', () => {
  beforeAll(() => {
    project = shippedProject();
  });
  afterAll(() => project.remove());

  test('removes both ends of what the inventory no longer names, and nothing else', { timeout: 120_000 }, async () => {
    const all = ['apply', 'playbooks/site.yml', '--lab', '-l', 'lana,lanb,pinky,ijin'];
    ok(await project.run(...all));
    const before = ['pinky', 'ijin'].map(kernelOf);
    expect(text('lana', 'var/lib/ipsec-play/made/connections/ipsec0')).toContain('tunnel lana-lanb\n');
    expect(JSON.stringify(tree(at('lana', 'var/lib/ipsec-play/made')))).not.toContain('r3dh4tl1nux');
    await byHand('office', '203.0.113.99', '10.9.0.0/16');
    const office = ['ifcfg-office', 'keys-office'].map((name) => text('lana', `${SCRIPTS}/${name}`));

    const none = ok(await project.run('prune', '--lab'));
    expect(none.stdout).toContain('There is nothing to prune.');

    // Who has no tunnels.yml there names no tunnel, and means another inventory.
    const inventory = join(project.path, 'inventory');
    renameSync(join(inventory, 'tunnels.yml'), join(inventory, 'tunnels.yaml~'));
    const lost = await project.run('prune', '--check', '--lab');
    expect([lost.code, lost.stderr]).toEqual([
      3,
      expect.stringContaining('there is no tunnels.yml in inventory, so every tunnel would be removed'),
    ]);
    renameSync(join(inventory, 'tunnels.yaml~'), join(inventory, 'tunnels.yml'));

    forget();
    const standing = ['lana', 'lanb', 'pinky'].map(kernelOf);
    const check = await project.run('prune', '--check', '--lab');
    expect(check.code, check.stdout + check.stderr).toBe(2);
    expect(check.stdout).toContain('ifcfg-ipsec0');
    expect(check.stdout + check.stderr).not.toContain('r3dh4tl1nux');
    expect(['lana', 'lanb', 'pinky'].map(kernelOf)).toEqual(standing);

    const { stdout } = ok(await project.run('prune', '--lab', '-o', 'json'));
    const document = JSON.parse(stdout) as RunDocument;
    expect(Object.entries(document.hosts).map(([host, { status }]) => [host, status])).toEqual([
      ['lana', 'changed'],
      ['lanb', 'changed'],
    ]);
    for (const [host, nickname, peer] of [
      ['lana', 'ipsec0', '203.0.113.2'],
      ['lanb', 'ipsec1', '203.0.113.1'],
    ] as const) {
      expect(has(host, `${SCRIPTS}/ifcfg-${nickname}`)).toBe(false);
      expect(has(host, `${SCRIPTS}/keys-${nickname}`)).toBe(false);
      expect(has(host, `etc/racoon/${peer}.conf`)).toBe(false);
      expect(text(host, 'etc/racoon/racoon.conf')).not.toContain(peer);
      expect(text(host, 'etc/racoon/psk.txt')).not.toContain(`${peer} `);
      expect(policies(host)).not.toContain('192.168.2.0/24[any] 192.168.1.0/24');
      expect(has(host, 'var/lib/ipsec-play/made')).toBe(false);
    }
    expect(['ifcfg-office', 'keys-office'].map((name) => text('lana', `${SCRIPTS}/${name}`))).toEqual(office);
    expect(text('lana', 'etc/racoon/psk.txt')).toContain('203.0.113.99');
    expect(has('lana', 'etc/racoon/203.0.113.99.conf')).toBe(true);
    expect(policies('lana')).toContain('10.9.0.0/16');
    expect(policies('lana')).not.toContain('192.168.2.0/24');
    expect(['pinky', 'ijin'].map(kernelOf)).toEqual(before);
    expect(ok(await project.run('prune', '--lab')).stdout).toContain('There is nothing to prune.');

    ok(await project.run('rollback', document.run ?? '', '--lab'));
    expect(has('lana', `${SCRIPTS}/ifcfg-ipsec0`)).toBe(true);
    expect(policies('lana')).toContain('192.168.2.0/24');
    expect(has('lanb', 'var/lib/ipsec-play/made/connections/ipsec1')).toBe(true);
  });

  // The run before is taken back, so that all is there again.
  test('leaves both ends alone where one was changed by hand since', { timeout: 120_000 }, async () => {
    const written = text('lanb', `${SCRIPTS}/ifcfg-ipsec1`);
    appendFileSync(at('lanb', `${SCRIPTS}/ifcfg-ipsec1`), 'IKE_DHGROUP=5\n');
    const before = ['lana', 'lanb'].map(kernelOf);
    const { code, stderr, stdout } = await project.run('prune', '--lab');
    expect([code, stdout]).toEqual([4, expect.stringContaining('There is nothing to prune.')]);
    expect(stderr).toContain('[lanb] lana-lanb is left alone, at both ends: ifcfg-ipsec1 is not as it was written');
    expect(['lana', 'lanb'].map(kernelOf)).toEqual(before);
    writeFileSync(at('lanb', `${SCRIPTS}/ifcfg-ipsec1`), written);
  });

  test('leaves a peer what a connection of somebody else needs of it', { timeout: 120_000 }, async () => {
    await byHand('branch', '203.0.113.2', '10.8.0.0/16');
    const conf = text('lana', 'etc/racoon/203.0.113.2.conf');
    ok(await project.run('prune', '--lab', '--limit', 'lana'));
    expect(has('lana', `${SCRIPTS}/ifcfg-ipsec0`)).toBe(false);
    expect(has('lanb', `${SCRIPTS}/ifcfg-ipsec1`)).toBe(false);
    expect(text('lana', 'etc/racoon/203.0.113.2.conf')).toBe(conf);
    expect(text('lana', 'etc/racoon/psk.txt')).toContain('203.0.113.2');
    expect(text('lana', 'etc/racoon/racoon.conf')).toContain('include "/etc/racoon/203.0.113.2.conf";');
    expect(policies('lana')).toContain('10.8.0.0/16');
    expect(policies('lana')).not.toContain('192.168.2.0/24');
  });
});

describe('prune of what was there before', () => {
  beforeEach(() => {
    project = shippedProject();
  });
  afterEach(() => project.remove());

  test('leaves alone what was there before, though it was changed by apply', { timeout: 120_000 }, async () => {
    await withTools();
    await byHand('ipsec0', '203.0.113.2', '192.168.2.0/24');
    await apply();
    expect(has('lana', 'var/lib/ipsec-play/made')).toBe(false);
    forget();
    const before = kernelOf('lana');
    const { stderr } = ok(await project.run('prune', '--lab'));
    expect(stderr).toContain('lana-lanb: nothing of it was created by ipsec-play at its other end, lana');
    expect(kernelOf('lana')).toEqual(before);
    expect(has('lanb', `${SCRIPTS}/ifcfg-ipsec1`)).toBe(false);
  });

  test('keeps a psk line that was there before the connection', { timeout: 120_000 }, async () => {
    await withTools();
    const line = '203.0.113.2  r3dh4tl1nux\n';
    writeFileSync(at('lana', 'etc/racoon/psk.txt'), line, { mode: 0o600 });
    await apply();
    forget();
    ok(await project.run('prune', '--lab'));
    expect(text('lana', 'etc/racoon/psk.txt').replaceAll(/\s+/g, ' ')).toBe(line.replaceAll(/\s+/g, ' '));
    expect(has('lana', 'etc/racoon/203.0.113.2.conf')).toBe(false);
    expect(has('lanb', 'etc/racoon/203.0.113.1.conf')).toBe(false);
  });
});
