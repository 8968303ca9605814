import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkValue } from '../../src/lang/schema.ts';
import { type DriftDocument, driftSchema } from '../../src/report/drift-document.ts';
import { type Project, type Ran, shippedProject, tree } from '../support/cli.ts';

/** `drift` on the lab: whose doing it is, and what is left out of account. */
let project: Project;
let tunnels = '';
const LAN = 'playbooks/network-to-network.yml';
const root = (host: string) => join(project.path, '.ipsec-play/lab', host, 'root');
const script = (host: string, name: string) => join(root(host), 'etc/sysconfig/network-scripts', name);
const kernel = (host: string, name: string) => join(root(host), 'var/lib/lab-kernel', name);
const apply = async (...more: string[]) => ok(await project.run('apply', LAN, '--lab', ...more));

beforeAll(async () => {
  project = shippedProject();
  tunnels = project.read('inventory/tunnels.yml');
  await apply();
  ok(await project.run('apply', 'playbooks/host-to-host.yml', '--lab'));
}, 120_000);
afterAll(() => project.remove());

function ok(ran: Ran): Ran {
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  return ran;
}

async function document(playbook: string, ...more: string[]): Promise<DriftDocument> {
  const { code, stdout, stderr } = await project.run('drift', playbook, '--lab', '-o', 'json', ...more);
  expect(stdout, stderr).not.toBe('');
  const read = JSON.parse(stdout) as DriftDocument;
  expect(checkValue(driftSchema, read)).toEqual([]);
  expect(read.exitCode).toBe(code);
  expect(stdout + stderr).not.toMatch(/r3dh4tl1nux|Key_Value01|key_new|by_hand/);
  return read;
}

/** The exit code, and what drifted: `HOST KIND WHAT`. */
async function drift(playbook = LAN, ...more: string[]): Promise<readonly [number, readonly string[]]> {
  const read = await document(playbook, ...more);
  const shown = read.drift.filter(({ ignored }) => ignored === null);
  return [read.exitCode, shown.map(({ host, kind, what }) => `${host} ${kind} ${what}`)];
}

/** Does it, looks, and makes all well again. */
async function afterwards(damage: () => void) {
  damage();
  try {
    return await drift();
  } finally {
    project.write('inventory/tunnels.yml', tunnels);
    await apply();
  }
}

const NET = '/etc/sysconfig/network-scripts';
const newKey = () => project.edit('inventory/tunnels.yml', 'psk: r3dh4tl1nux', 'psk: key_new');
const byHand = () => writeFileSync(script('lana', 'keys-ipsec0'), 'IKE_PSK=by_hand\n');

describe('drift', { timeout: 60_000 }, () => {
  test('is none after an apply, and a look changes nothing', async () => {
    const state = () =>
      ['lana', 'pinky'].map((host) => Object.entries(tree(root(host))).filter(([name]) => !name.startsWith('var/log')));
    expect(await drift('playbooks/site.yml', '-l', 'lana,pinky')).toEqual([0, []]);
    newKey();
    writeFileSync(kernel('pinky', 'spd'), '');
    const spoiled = state();
    expect((await drift('playbooks/site.yml', '-l', 'lana,pinky'))[0]).not.toBe(0);
    expect(state()).toEqual(spoiled);
    project.write('inventory/tunnels.yml', tunnels);
  });

  test('is not that a tunnel is down that does not start at boot', async () => {
    ok(await project.run('down', 'pinky-ijin', '--lab'));
    expect(await drift('playbooks/host-to-host.yml')).toEqual([0, []]);
  });

  test('is not yet applied where the inventory changed', async () => {
    const [code, found] = await afterwards(newKey);
    expect(code).toBe(2);
    expect(found.toSorted()).toEqual([
      'lana not-applied /etc/racoon/psk.txt',
      `lana not-applied ${NET}/keys-ipsec0`,
      'lanb not-applied /etc/racoon/psk.txt',
      `lanb not-applied ${NET}/keys-ipsec1`,
    ]);
  });

  test('is edited on the host where a file is not as a run left it, be it in the same second', async () => {
    expect(await afterwards(byHand)).toEqual([7, [`lana edited ${NET}/keys-ipsec0`]]);
    // That apply has just written it.
    const open = () => chmodSync(script('lana', 'keys-ipsec0'), 0o644);
    expect(await afterwards(open)).toEqual([7, [`lana edited ${NET}/keys-ipsec0 mode`]]);
    const remove = () => rmSync(script('lana', 'ifcfg-ipsec0'));
    expect(await afterwards(remove)).toEqual([7, [`lana edited ${NET}/ifcfg-ipsec0`]]);
  });

  test('tells both apart on one host, and the higher code wins', async () => {
    const [code, found] = await afterwards(() => {
      newKey();
      appendFileSync(script('lana', 'ifcfg-ipsec0'), 'IKE_DHGROUP=5\n');
      // Without a meaning: that is none.
      appendFileSync(script('lanb', 'ifcfg-ipsec1'), '# mine\n');
    });
    expect(code).toBe(7);
    expect(found.toSorted()).toEqual([
      `lana edited ${NET}/ifcfg-ipsec0`,
      'lana not-applied /etc/racoon/psk.txt',
      `lana not-applied ${NET}/keys-ipsec0`,
      'lanb not-applied /etc/racoon/psk.txt',
      `lanb not-applied ${NET}/keys-ipsec1`,
    ]);
  });

  test('is of the kernel where the files are in order', async () => {
    const flush = () => writeFileSync(kernel('lana', 'spd'), '');
    expect(await afterwards(flush)).toEqual([8, ['lana kernel connection ipsec0']]);
    const forwarding = () => writeFileSync(join(root('lana'), 'proc/sys/net/ipv4/ip_forward'), '0\n');
    expect(await afterwards(forwarding)).toEqual([8, ['lana kernel sysctl net.ipv4.ip_forward']]);
  });

  test('is what the kernel has with a peer, and no connection of the host asks for', async () => {
    const spd = kernel('lana', 'spd');
    const before = readFileSync(spd, 'utf8');
    expect(before).toContain('192.168.2.0/24');
    // As an ifdown with other files than those of the ifup leaves it; and one with a peer that is nobody's here.
    const left = before.replaceAll('192.168.2.0/24', '192.168.7.0/24');
    const foreign = before.replaceAll('192.168.2.0/24', '10.77.0.0/16').replaceAll('203.0.113.2', '203.0.113.77');
    writeFileSync(spd, `${before}${left}${foreign}`);
    const stray = 'lana kernel policies 192.168.1.0/24 to 192.168.7.0/24';
    expect(await drift()).toEqual([8, [stray]]);
    // A connection that somebody else has there.
    const office = readFileSync(script('lana', 'ifcfg-ipsec0'), 'utf8').replace('192.168.2.0', '192.168.7.0');
    writeFileSync(script('lana', 'ifcfg-office'), office);
    expect(await drift()).toEqual([0, []]);
    rmSync(script('lana', 'ifcfg-office'));
    writeFileSync(spd, before);
  });

  test('is a daemon that is gone, and a file of phase 1 that was edited: with how it gets right', async () => {
    const path = '/etc/racoon/203.0.113.2.conf';
    const file = join(root('lana'), path);
    rmSync(kernel('lana', 'daemons/racoon'));
    expect(await drift()).toEqual([8, ['lana kernel connection ipsec0']]);
    copyFileSync(file, `${file}.before`);
    writeFileSync(file, readFileSync(file, 'utf8').replace('3des', 'des'));
    const { drift: found } = await document(LAN);
    expect(found.map(({ host, kind, what }) => `${host} ${kind} ${what}`)).toContain(`lana edited ${path}`);
    expect(found.find(({ what }) => what === path)?.why).toMatch(
      /left it; .*remove it, then ipsec-play down lana-lanb/,
    );
    rmSync(file);
    ok(await project.run('down', 'lana-lanb', '--lab'));
    ok(await project.run('up', 'lana-lanb', '--lab'));
    expect(readFileSync(file, 'utf8')).toBe(readFileSync(`${file}.before`, 'utf8'));
    expect(await drift()).toEqual([0, []]);
    rmSync(`${file}.before`);
  });

  test('goes by the last run, when one was taken back', async () => {
    newKey();
    const { run } = JSON.parse((await apply('-o', 'json')).stdout) as { run: string };
    ok(await project.run('rollback', run));
    const [code, found] = await drift();
    expect([code, found.every((each) => / not-applied /.test(each))]).toEqual([2, true]);
    project.write('inventory/tunnels.yml', tunnels);
    expect(await drift()).toEqual([0, []]);
  });

  test('goes by times where the runs of an earlier version have noted no modes', async () => {
    const runs = join(root('lana'), 'var/lib/ipsec-play/runs');
    for (const run of readdirSync(runs)) rmSync(join(runs, run, 'modes'), { force: true });
    expect(existsSync(script('lana', 'keys-ipsec0'))).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    chmodSync(script('lana', 'keys-ipsec0'), 0o640);
    const { exitCode, drift: found } = await document(LAN);
    expect([exitCode, found[0]?.why]).toEqual([7, expect.stringContaining('by its time')]);
    chmodSync(script('lana', 'keys-ipsec0'), 0o600);
  });

  test('tells people why', async () => {
    byHand();
    const { code, stdout } = await project.run('drift', LAN, '--lab');
    await apply();
    expect(code).toBe(7);
    expect(stdout).toMatch(/^lana +edited on the host +\S+keys-ipsec0 +lana-lanb +not as the run \S+ left it$/m);
    expect(stdout).toMatch(/\n1 edited on the host\.\n$/);
    expect((await project.run('drift', LAN, '--lab')).stdout).toBe('No drift.\n');
  });
});

describe('drift-ignore.yml', { timeout: 60_000 }, () => {
  const FILE = 'inventory/drift-ignore.yml';

  test('leaves out of account what it names, with its reason', async () => {
    project.write(
      FILE,
      `ignore:\n  - { host: 'lan*', what: '*/keys-*', kind: edited, reason: on trial until Friday }\n`,
    );
    byHand();
    expect(await drift()).toEqual([0, []]);
    const { stdout, stderr } = await project.run('drift', LAN, '--lab', '-v');
    expect([stdout, stderr]).toEqual([expect.stringMatching(/lana +ignored .* on trial until Friday/), '']);
    expect(stdout).toContain('No drift. 1 ignored.');
    project.write(FILE, 'ignore:\n  - { host: lana, kind: kernel, reason: another kind }\n');
    expect((await drift())[0]).toBe(7);
    await apply();
  });

  test('says what of it is over, and what it has no use for', async () => {
    project.write(
      FILE,
      'ignore:\n  - { host: lana, reason: over, until: 2020-01-31 }\n  - { tunnel: lana-*, reason: nothing there }\n',
    );
    byHand();
    const { code, stderr } = await project.run('drift', 'playbooks/site.yml', '--lab', '-l', 'pinky');
    expect(code).toBe(0);
    expect(stderr).toMatch(/drift-ignore\.yml:2:5: warning\[drift-ignore-expired\]: .*2020-01-31/);
    expect(stderr).not.toContain('drift-ignore-unused');
    const all = await project.run('drift', LAN, '--lab');
    expect(all.code).toBe(0);
    expect(all.stderr).not.toContain('drift-ignore-unused');
    await apply();
    expect((await project.run('drift', LAN, '--lab')).stderr).toMatch(
      /drift-ignore\.yml:3:5: warning\[drift-ignore-unused\]/,
    );
    project.write(FILE, 'ignore: []\n');
  });

  test('is checked, each mistake in its place, before any host is touched', async () => {
    project.write(
      FILE,
      'ignore:\n  - { host: lana }\n  - { reason: everything }\n  - { host: lana, reason: x, until: 2026-02-30 }\n  - { hots: lana, reason: x }\n',
    );
    const { code, stdout, stderr } = await project.run('drift', LAN, '--lab');
    expect([code, stdout]).toEqual([3, '']);
    for (const line of [2, 3, 5]) expect(stderr).toContain(`drift-ignore.yml:${line}`);
    project.write(FILE, 'ignore:\n  - { host: lana, reason: x, until: 2026-02-30 }\n');
    expect((await project.run('drift', LAN, '--lab')).stderr).toMatch(
      /drift-ignore-until[\s\S]*"2026-02-30" is no day/,
    );
    rmSync(join(project.path, FILE));
  });
});
