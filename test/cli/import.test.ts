import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importSchema } from '../../src/cli/import/report.ts';
import { checkValue } from '../../src/lang/schema.ts';
import { type Project, shippedProject, tree } from '../support/cli.ts';

/** Hosts of the lab that were set up already are taken over: one project, its commands one after another. */
let project: Project;
const lab = '.ipsec-play/lab';
const scripts = '/etc/sysconfig/network-scripts';
const onHost = (host: string, path: string) => join(project.path, lab, host, 'root', path);
const read = (host: string, path: string) => readFileSync(onHost(host, path), 'utf8');
const KEYED = ['--vault-password-file', 'vault-password'];

beforeAll(async () => {
  project = shippedProject();
  writeFileSync(join(project.path, 'vault-password'), 'correct-horse-battery\n');
  const applied = await project.run('apply', 'playbooks/site.yml', '--lab', '--yes', '--no-diff');
  expect(applied.stderr + applied.stdout).toContain('8 hosts');
  expect(applied.code).toBe(0);
}, 120_000);
afterAll(() => project.remove());

/** Imports into a new folder; the check of what was imported must find nothing to do. */
async function takenOver(out: string, ...argv: readonly string[]) {
  const before = tree(join(project.path, lab));
  const imported = await project.run('import', 'all', '--lab', '--out', out, ...KEYED, ...argv);
  expect(tree(join(project.path, lab))).toEqual(before);
  return imported;
}

describe('what ipsec-play has made', () => {
  test('is imported whole, keys encrypted, and a check of it is empty', async () => {
    const { code, stdout, stderr } = await takenOver('taken');
    expect(stderr).not.toContain('error[');
    expect([code, stdout]).toEqual([0, expect.stringContaining('4 tunnels are taken over')]);
    const text = project.read('taken/tunnels.yml');
    expect(text).toContain('psk: !vault |');
    for (const secret of ['Key_Value01', 'foobarbaz', 'r3dh4tl1nux', '2f1c9b0e6a4d8357'])
      expect(text + stdout + stderr, secret).not.toContain(secret);
    const check = await project.run('check', 'playbooks/site.yml', '-i', 'taken', '--lab', ...KEYED);
    expect(check.stderr + check.stdout).toContain('8 hosts in sync');
    expect(check.code).toBe(0);
  });

  test('the second import refuses to overwrite the first', async () => {
    const before = tree(join(project.path, 'taken'));
    const { code, stderr } = await takenOver('taken');
    expect([code, stderr]).toEqual([3, expect.stringContaining('import-exists')]);
    expect(tree(join(project.path, 'taken'))).toEqual(before);
  });

  test('without --out, an inventory that is there stays', async () => {
    const { code, stderr } = await project.run('import', 'all', '--lab');
    expect([code, stderr]).toEqual([3, expect.stringContaining('--out')]);
  });

  test('without a vault password nothing is written; --plain-keys writes a file for its owner alone', async () => {
    const { code, stderr } = await project.run('import', 'lana,lanb', '--lab', '--out', 'plain');
    expect([code, stderr]).toEqual([3, expect.stringContaining('--plain-keys')]);
    expect(existsSync(join(project.path, 'plain'))).toBe(false);
    expect((await project.run('import', 'lana,lanb', '--lab', '--out', 'plain', '--plain-keys')).code).toBe(0);
    expect(tree(join(project.path, 'plain'))['tunnels.yml']).toMatch(/^600 [\d.]+ [\s\S]*psk: "r3dh4tl1nux"/);
    expect((await project.run('check', 'playbooks/site.yml', '-i', 'plain', '--lab')).code).toBe(0);
  });

  test('one end alone gets an external peer, and its check is empty', async () => {
    const { code, stdout } = await project.run(
      'import',
      'lana',
      'store-a',
      '--lab',
      '--out',
      'alone',
      ...KEYED,
      '-o',
      'json',
    );
    const document = JSON.parse(stdout);
    expect(checkValue(importSchema, document)).toEqual([]);
    expect(code).toBe(0);
    expect(document.findings.map(({ code: each }: { code: string }) => each)).toContain('import-unpaired');
    expect(document.tunnels.find(({ name }: { name: string }) => name.startsWith('lana')).ends[1]).toMatchObject({
      managed: false,
      address: '203.0.113.2',
    });
    const check = await project.run('check', 'playbooks/site.yml', '-i', 'alone', '--lab', ...KEYED);
    expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('2 hosts in sync')]);
  });
});

describe('what somebody wrote by hand', () => {
  const IFCFG = `# tunnel to the branch, see ticket 4711

USERCTL=no
export TYPE="IPSEC"
DST='203.0.113.2'   # lanb
SRC=203.0.113.1
SRCNET="192.168.1.0"/24
DSTNET=192.168.2.0/2\\4
SRCGW=192.168.1.254; DSTGW=192.168.2.254
IKE_METHOD=PSK
NOTE='$(touch never)'
`;
  const KEYS = "# from the safe\nIKE_PSK='r3dh4tl1nux' # do not lose\n";

  test('is imported, the check of it is empty, and every byte of it stays', async () => {
    writeFileSync(onHost('lana', `${scripts}/ifcfg-ipsec0`), IFCFG);
    writeFileSync(onHost('lana', `${scripts}/keys-ipsec0`), KEYS);
    chmodSync(onHost('lana', `${scripts}/ifcfg-ipsec0`), 0o600);
    const { code, stderr } = await takenOver('by-hand');
    expect(stderr).not.toContain('error[');
    expect(code).toBe(0);
    const check = await project.run('check', 'playbooks/site.yml', '-i', 'by-hand', '--lab', ...KEYED);
    expect(check.stderr + check.stdout).toContain('8 hosts in sync');
    expect(check.code).toBe(0);
  });

  test('a new key goes into its line; comments, quotes and other variables stay', async () => {
    await project.run('import', 'lana,lanb', '--lab', '--out', 'rekeyed', '--plain-keys');
    project.edit('rekeyed/tunnels.yml', 'r3dh4tl1nux', 'an0ther_Key');
    const check = await project.run('check', 'playbooks/site.yml', '-i', 'rekeyed', '--lab');
    expect(check.code).toBe(2);
    expect(check.stdout).not.toMatch(/an0ther_Key|r3dh4tl1nux|from the safe/);
    const applied = await project.run('apply', 'playbooks/site.yml', '-i', 'rekeyed', '--lab', '--yes', '--no-diff');
    expect([applied.code, applied.stderr]).toEqual([0, expect.anything()]);
    expect(read('lana', `${scripts}/keys-ipsec0`)).toBe(KEYS.replace("'r3dh4tl1nux'", 'an0ther_Key'));
    expect(read('lana', `${scripts}/ifcfg-ipsec0`)).toBe(IFCFG);
    expect((await project.run('check', 'playbooks/site.yml', '-i', 'rekeyed', '--lab')).code).toBe(0);
  });

  test('what a shell computes is never run: its connection is left out, with its line', async () => {
    writeFileSync(
      onHost('lana', `${scripts}/ifcfg-ipsec0`),
      IFCFG.replace("'203.0.113.2'", '"$(touch /tmp/ran)203.0.113.2"'),
    );
    const { code, stderr } = await takenOver('computed');
    expect(code).toBe(4);
    expect(stderr).toContain(`lana:${scripts}/ifcfg-ipsec0:5:1`);
    expect(stderr).toContain('import-computed');
    expect(project.read('computed/tunnels.yml')).not.toContain('ipsec0, address: 203.0.113.1');
    rmSync(onHost('lana', `${scripts}/ifcfg-ipsec0`));
  });
});
