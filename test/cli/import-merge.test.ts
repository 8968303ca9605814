import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importSchema } from '../../src/cli/import/report.ts';
import { checkValue } from '../../src/lang/schema.ts';
import { type Project, shippedProject, tree } from '../support/cli.ts';

/** Hosts with more on them than the inventory in git says: what it lacks is added to it. */
let project: Project;
const KEYED = ['--vault-password-file', 'vault-password'];
const site = ['playbooks/site.yml', '--lab', ...KEYED];
const scripts = '.ipsec-play/lab/lana/root/etc/sysconfig/network-scripts';

/** The inventory as somebody keeps it: with comments, in a form of its own, and with one tunnel of the four. */
const KEPT = `# Ours. Ask before you change anything!
defaults:
    onboot: true   # everywhere

tunnels:
    # the branch, ticket 4711
    lana-lanb:
        type: network-to-network
        ends:
            lana: {nickname: 'ipsec0', address: 203.0.113.1, network: 192.168.1.0/24, gateway: 192.168.1.254}
            lanb: {nickname: "ipsec1", address: 203.0.113.2, network: 192.168.2.0/24, gateway: 192.168.2.254}
        keying:
            psk: r3dh4tl1nux  # to be rotated

# -- the end --
`;

beforeAll(async () => {
  project = shippedProject();
  writeFileSync(join(project.path, 'vault-password'), 'correct-horse-battery\n');
  const applied = await project.run('apply', 'playbooks/site.yml', '--lab', '--yes', '--no-diff');
  expect([applied.code, applied.stderr]).toEqual([0, expect.anything()]);
  project.write('inventory/tunnels.yml', KEPT);
}, 120_000);
afterAll(() => project.remove());

const merge = (...argv: readonly string[]) => project.run('import', ...argv, '--lab', '--merge', ...KEYED);

test('one host of two is not enough, and nothing is written', async () => {
  const { code, stderr, stdout } = await merge('pinky');
  expect([code, stderr]).toEqual([4, expect.stringContaining('host ijin of the inventory, which was not asked')]);
  expect(stdout).toContain('Nothing is written');
  expect(project.read('inventory/tunnels.yml')).toBe(KEPT);
});

test('what would be another tunnel by `defaults` is left out, with what they change', async () => {
  project.edit('inventory/tunnels.yml', 'defaults:\n', 'defaults:\n    ike: { encryption: aes }\n');
  const { code, stderr } = await merge('pinky,ijin');
  expect([code, stderr]).toEqual([4, expect.stringMatching(/`defaults` of inventory\/tunnels.yml .*\(IKE_ENC\)/)]);
  project.write('inventory/tunnels.yml', KEPT);
});

test('new tunnels are added, every byte that was there stays, and a check is empty', async () => {
  const before = tree(join(project.path, 'inventory'));
  const { code, stdout, stderr } = await merge('all', '-o', 'json');
  expect(stderr).not.toContain('error[');
  expect(code).toBe(0);
  const document = JSON.parse(stdout);
  expect(checkValue(importSchema, document)).toEqual([]);
  expect(document).toMatchObject({
    files: ['inventory/tunnels.yml'],
    tunnels: [{ name: 'ijin-pinky' }, { name: 'store-a-store-b' }, { name: 'workstation-a-workstation-b' }],
    known: [{ name: 'lana-lanb', differing: [] }],
  });
  const { 'tunnels.yml': written, ...rest } = tree(join(project.path, 'inventory'));
  expect({ ...rest, 'tunnels.yml': before['tunnels.yml'] }).toEqual(before);
  const text = project.read('inventory/tunnels.yml');
  const [head = '', tail = ''] = KEPT.split('\n# -- the end');
  expect(text.startsWith(head)).toBe(true);
  expect(text.endsWith(`# -- the end${tail}`)).toBe(true);
  expect(text).toContain('    ijin-pinky:\n      type: host-to-host\n');
  expect(`${written}${stdout}${stderr}`).not.toMatch(/Key_Value01|foobarbaz|2f1c9b0e6a4d8357/);
  const check = await project.run('check', ...site);
  expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('8 hosts in sync')]);
});

test('a second time there is nothing to add', async () => {
  const before = tree(join(project.path, 'inventory'));
  const { code, stdout } = await merge('all');
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/and the same on the hosts: .*lana-lanb.*\nNothing is written/),
  ]);
  expect(tree(join(project.path, 'inventory'))).toEqual(before);
});

test('what differs is told by name, never by value, and the inventory stays', async () => {
  const before = tree(join(project.path, 'inventory'));
  const path = join(project.path, scripts);
  writeFileSync(join(path, 'keys-ipsec0'), 'IKE_PSK=c4n4ry-of-another-key\n');
  writeFileSync(
    join(path, 'ifcfg-ipsec0'),
    readFileSync(join(path, 'ifcfg-ipsec0'), 'utf8').replace('ONBOOT=yes', 'ONBOOT=no'),
  );
  const { code, stdout, stderr } = await merge('all');
  expect([code, stderr]).toEqual([0, expect.stringMatching(/lana:.*ifcfg-ipsec0:2:1: warning\[import-differs\]/)]);
  expect(stderr).toMatch(/tunnel lana-lanb of the inventory: (IKE_PSK, ONBOOT|ONBOOT, IKE_PSK); the inventory stays/);
  expect(stdout).toContain('otherwise on the hosts: lana-lanb');
  expect(stdout + stderr).not.toMatch(/c4n4ry|r3dh4tl1nux/);
  expect(tree(join(project.path, 'inventory'))).toEqual(before);
});

test('keys in plain text are for the owner of the file alone', async () => {
  project.write('inventory/tunnels.yml', KEPT);
  expect((await merge('pinky,ijin', '--plain-keys')).code).toBe(0);
  expect(project.read('inventory/tunnels.yml')).toContain('psk: "Key_Value01"');
  expect(statSync(join(project.path, 'inventory/tunnels.yml')).mode & 0o777).toBe(0o600);
});

test('where tunnels stand in braces, nothing is added, and it says why', async () => {
  const end = '{ nickname: z, address: 10.0.0.1 }';
  const text = `tunnels: { t: { type: host-to-host, ends: { lana: ${end}, store-b: ${end.replace('1 }', '2 }')} }, keying: { psk: an-example-that-is-long } } }\n`;
  project.write('inventory/tunnels.yml', text);
  const { code, stderr } = await merge('pinky,ijin');
  expect([code, stderr]).toEqual([4, expect.stringContaining('import-not-added')]);
  expect(project.read('inventory/tunnels.yml')).toBe(text);
});

test.each([
  ['--out beside it', ['all', '--lab', '--merge', '--out', 'other']],
  ['no inventory', ['10.0.0.1', '--lab', '--merge', '-i', 'nowhere']],
])('%s is a mistake, exit 3', async (_, argv) => {
  expect((await project.run('import', ...argv)).code).toBe(3);
});
