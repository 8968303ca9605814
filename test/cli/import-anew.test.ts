import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hostsText } from '../../src/cli/import/hosts.ts';
import { importSchema } from '../../src/cli/import/report.ts';
import { soundTunnels } from '../../src/cli/import/sound.ts';
import { tunnelsText } from '../../src/inventory/tunnels/tunnels-text.ts';
import { checkValue } from '../../src/lang/schema.ts';
import { reveal } from '../../src/model/secret.ts';
import type { Tunnel } from '../../src/model/tunnel.ts';
import type { Files } from '../compile/import/fake-host.ts';
import { handWritten } from '../compile/import/hand-written.ts';
import { tunnels } from '../compile/support/arbitrary.ts';
import { type Project, shippedProject, tree } from '../support/cli.ts';

/** Hosts that some other inventory has set up, in the lab, and of which this project knows only the names, or nothing. */
let project: Project;
beforeEach(() => {
  project = shippedProject();
});
afterEach(() => project.remove());

const site = ['playbooks/site.yml', '--lab'];

describe('generated tunnels, applied in the lab', () => {
  const found = fc.sample(tunnels, { seed: 7, numRuns: 60 });
  // Certificates would have to be on the hosts.
  const worlds = found
    .map((all) => all.filter(({ state, keying }) => state === 'present' && keying.method !== 'x509').map(plain))
    .filter((all) => all.length >= 3)
    .slice(0, 2);

  test.each(worlds.map((all, index) => [index, all] as const))(
    'number %i: files that somebody rewrote by hand are imported, check is empty, and apply leaves every byte',
    async (index, all) => {
      const hosts = hostsText(
        new Map(all.flatMap(({ ends }) => ends.map(({ host, address }) => [host, { ansible_host: address }]))),
      );
      const sound = (await soundTunnels(all, hosts, null)).tunnels;
      expect(sound.length).toBeGreaterThan(1);
      mkdirSync(join(project.path, 'before'));
      project.write('before/hosts.yml', hosts);
      project.write('before/tunnels.yml', tunnelsText(sound, null, (secret) => ({ plain: reveal(secret) })).text);
      const applied = await project.run('apply', ...site, '-i', 'before', '--yes', '--no-diff');
      expect([applied.code, applied.stderr]).toEqual([0, expect.anything()]);
      rewriteByHand(sound, index);
      const hosted = tree(join(project.path, LAB));
      expect(Object.keys(filesIn(hosted)).length).toBeGreaterThan(sound.length);
      // A connection that boot does not bring up is up now, for its files were new.
      const imported = await project.run('import', 'all', '--lab', '-i', 'before', '--out', 'after', '--plain-keys');
      expect([imported.code, imported.stderr]).toEqual([0, expect.not.stringContaining('import-pending')]);
      const check = await project.run('check', ...site, '-i', 'after');
      expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('in sync')]);
      const again = await project.run('apply', ...site, '-i', 'after', '--yes');
      expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('in sync')]);
      expect(filesIn(tree(join(project.path, LAB)))).toEqual(filesIn(hosted));
    },
    120_000,
  );
});

const LAB = '.ipsec-play/lab';

/** What is below /etc of all hosts. */
function filesIn(all: Readonly<Record<string, string>>) {
  return Object.fromEntries(Object.entries(all).filter(([path]) => path.includes('/root/etc/')));
}

/** Quotes, comments, blanks, other variables and another order in the connections' files; keys of strangers in psk.txt. */
function rewriteByHand(all: readonly Tunnel[], seed: number) {
  const numbers = fc.sample(fc.nat(1000), { seed, numRuns: 4000 });
  let next = 0;
  const random = () => numbers[next++ % numbers.length] ?? 0;
  const scripts = '/etc/sysconfig/network-scripts';
  let count = 0;
  for (const host of readdirSync(join(project.path, LAB))) {
    const root = join(project.path, LAB, host, 'root');
    if (!existsSync(join(root, scripts))) continue;
    const names = readdirSync(join(root, scripts)).filter(
      (name) => /^(ifcfg|keys)-/.test(name) && !/-(lo|eth\d)$/.test(name),
    );
    const files: Files = new Map(
      names.map((name) => {
        const path = `${scripts}/${name}`;
        const mode = statSync(join(root, path)).mode & 0o777;
        return [path, { mode, text: readFileSync(join(root, path), 'latin1') }];
      }),
    );
    for (const [path, { mode, text }] of handWritten({ name: host, files }, all, random, false)) {
      if (text !== files.get(path)?.text) count += 1;
      writeFileSync(join(root, path), text, 'latin1');
      chmodSync(join(root, path), mode);
    }
    for (const [path, more] of [
      ['/etc/racoon/psk.txt', '\n# of the old office\n192.0.2.77\t a key\n'],
      ['/etc/racoon/racoon.conf', '\n# do not touch\n'],
    ] as const)
      if (existsSync(join(root, path))) appendFileSync(join(root, path), more);
  }
  expect(count).toBeGreaterThan(2);
}

/** Keys of a length that every check lets pass. */
function plain(tunnel: Tunnel): Tunnel {
  if (tunnel.keying.method !== 'manual') return tunnel;
  const [{ ah, esp }] = tunnel.keying.sent;
  return { ...tunnel, ah: ah ? {} : false, esp: esp ? {} : false };
}

test('an inventory of hosts alone gets its tunnels.yml; its hosts.yml stays', async () => {
  expect((await project.run('apply', ...site, '--yes', '--no-diff')).code).toBe(0);
  rmSync(join(project.path, 'inventory/tunnels.yml'));
  const before = tree(join(project.path, 'inventory'));
  const { code, stdout } = await project.run('import', 'all', '--lab', '--out', 'inventory', '--plain-keys');
  expect([code, stdout]).toEqual([0, expect.stringMatching(/Written: inventory\/tunnels\.yml$/m)]);
  const { 'tunnels.yml': written, ...rest } = tree(join(project.path, 'inventory'));
  expect([rest, written]).toEqual([before, expect.stringContaining('lana-lanb:')]);
  const check = await project.run('check', ...site);
  expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('8 hosts in sync')]);
}, 120_000);

test('addresses, where there is no inventory yet: it is made, and a playbook beside it', async () => {
  project.write(
    'inventory/hosts.yml',
    hostsText(
      new Map([
        ['203.0.113.1', {}],
        ['203.0.113.2', {}],
      ]),
    ),
  );
  project.write(
    'inventory/tunnels.yml',
    `tunnels:
  t:
    type: host-to-host
    ends: { 203.0.113.1: { nickname: ipsec0 }, 203.0.113.2: { nickname: ipsec0 } }
    keying: { psk: a-key-that-is-long-enough }
`,
  );
  expect((await project.run('apply', ...site, '--yes', '--no-diff')).code).toBe(0);
  for (const folder of ['inventory', 'playbooks']) rmSync(join(project.path, folder), { recursive: true });
  writeFileSync(join(project.path, 'vault-password'), 'correct-horse-battery\n');
  const keyed = ['--vault-password-file', 'vault-password'];
  const imported = await project.run('import', 'root@203.0.113.1', '203.0.113.2', '--lab', ...keyed);
  expect([imported.code, imported.stderr]).toEqual([0, expect.not.stringContaining('error')]);
  expect(project.read('inventory/hosts.yml')).toContain(
    '203.0.113.1: { ansible_host: 203.0.113.1, ansible_user: root }',
  );
  const check = await project.run('check', ...site, ...keyed);
  expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('2 hosts in sync')]);
}, 120_000);

test.each([
  ['a host that is none', ['-x y', '--lab']],
  ['a host twice', ['10.0.0.1', '10.0.0.1', '--lab']],
])('%s is a mistake, exit 3, and nothing is written', async (_, argv) => {
  rmSync(join(project.path, 'inventory'), { recursive: true });
  const before = tree(project.path);
  expect((await project.run('import', ...argv)).code).toBe(3);
  expect(tree(project.path)).toEqual(before);
});

test('a host out of reach: exit 5, and nothing is written', async () => {
  rmSync(join(project.path, 'inventory'), { recursive: true });
  const { code, stderr } = await project.run('import', 'root@127.0.0.1:1', '--out', 'new', '--plain-keys');
  expect([code, stderr]).toEqual([5, expect.stringContaining('Nothing is written')]);
  expect(() => project.read('new/hosts.yml')).toThrow();
  const json = await project.run('import', 'root@127.0.0.1:1', '--out', 'new', '--plain-keys', '-o', 'json');
  const document = JSON.parse(json.stdout);
  expect([checkValue(importSchema, document), document.findings]).toEqual([
    [],
    [expect.objectContaining({ code: 'import-not-read' })],
  ]);
});
