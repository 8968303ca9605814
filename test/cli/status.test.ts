import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkValue } from '../../src/lang/schema.ts';
import { type StatusDocument, statusSchema } from '../../src/report/status-document.ts';
import { type Project, type Ran, shippedProject, tree } from '../support/cli.ts';

/** `status` on the lab: what there is to see of both ends of each tunnel, and of runs. */
let project: Project;
const root = (host: string) => join(project.path, '.ipsec-play/lab', host, 'root');
const script = (host: string, name: string) => join(root(host), 'etc/sysconfig/network-scripts', name);

beforeAll(async () => {
  project = shippedProject();
  ok(await project.run('apply', 'playbooks/site.yml', '--lab'));
}, 120_000);
afterAll(() => project.remove());

function ok(ran: Ran): Ran {
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  return ran;
}

async function document(...more: string[]): Promise<StatusDocument> {
  const { stdout } = await project.run('status', '--lab', '-o', 'json', ...more);
  const read = JSON.parse(stdout) as StatusDocument;
  expect(checkValue(statusSchema, read)).toEqual([]);
  expect(stdout).not.toMatch(/Key_Value01|r3dh4tl1nux|foobarbaz|2f1c9b0e6a4d|by_hand/);
  return read;
}

const end = async (tunnel: string, host: string) =>
  (await document('-l', host)).tunnels[tunnel]?.ends.find((each) => each.host === host)?.seen;

describe('status', () => {
  test('is a row for each tunnel, and changes nothing', { timeout: 60_000 }, async () => {
    const state = () => ['pinky', 'lana'].map((host) => tree(join(root(host), 'etc')));
    const before = state();
    const { stdout } = ok(await project.run('status', '--lab'));
    const rows = stdout
      .split('\n')
      .filter((line) => /^(pinky-ijin|workstations|lana-lanb|store-a-store-b) /.test(line));
    expect(rows).toHaveLength(4);
    for (const row of rows) expect(row).toMatch(/ yes \| yes +yes \| yes .* never$/);
    expect(rows.find((row) => row.startsWith('store-a'))).toMatch(/ 4, \d+ s, 0 B \| 4, \d+ s, 0 B /);
    expect(state()).toEqual(before);
  });

  test('knows the last verification, from here and of this world', { timeout: 60_000 }, async () => {
    ok(await project.run('verify', 'pinky-ijin', '--lab', '--no-wire'));
    expect((await project.run('status', '--lab')).stdout).toMatch(/^pinky-ijin .* proven, \d+ s ago$/m);
    const { tunnels } = await document();
    expect(tunnels['pinky-ijin']?.verified).toMatchObject({ status: 'proven', cause: null });
    expect(tunnels['lana-lanb']?.verified).toBe(null);
    expect(tunnels['pinky-ijin']?.ends[0]?.seen?.associations.length).toBeGreaterThan(0);
    const elsewhere = await project.run('status', '--lab=elsewhere', '-l', 'pinky');
    expect(elsewhere.stdout).toMatch(/^pinky-ijin .* never$/m);
  });

  test('has what Prometheus reads', { timeout: 60_000 }, async () => {
    const { stdout } = ok(await project.run('status', '--lab', '-o', 'prometheus'));
    expect(stdout).toMatch(/^# TYPE ipsec_tunnel_active gauge\n(ipsec_tunnel_active\{.*\} 1\n){8}# HELP/m);
    const { code, stderr } = await project.run('status', '--lab', '-o', 'prometheus', '--watch');
    expect([code, stderr]).toEqual([3, expect.stringContaining('--watch has no end')]);
    const runs = await project.run('status', '--lab', '-o', 'prometheus', '--runs');
    expect([runs.code, runs.stdout]).toEqual([3, '']);
  });

  test('tells files, kernel and daemon apart', { timeout: 60_000 }, async () => {
    const keys = script('pinky', 'keys-ipsec1');
    const text = readFileSync(keys, 'utf8');
    const old = Date.now() / 1000 - 90 * 86_400;
    utimesSync(keys, old, old);
    expect(await end('pinky-ijin', 'pinky')).toMatchObject({ configured: 'yes', active: 'yes', daemon: 'running' });
    expect((await end('pinky-ijin', 'pinky'))?.keyAge).toBeGreaterThanOrEqual(90 * 86_400);
    writeFileSync(keys, 'IKE_PSK=by_hand\n');
    expect(await end('pinky-ijin', 'pinky')).toMatchObject({ configured: 'differs', differing: ['keys-ipsec1'] });
    writeFileSync(keys, `# a comment\n\n${text}`);
    expect(await end('pinky-ijin', 'pinky')).toMatchObject({ configured: 'yes', differing: [] });

    writeFileSync(join(root('pinky'), 'var/lib/lab-kernel/spd'), '');
    expect(await end('pinky-ijin', 'pinky')).toMatchObject({ configured: 'yes', active: 'no' });
    rmSync(join(root('pinky'), 'var/lib/lab-kernel/daemons/racoon'));
    expect(await end('pinky-ijin', 'pinky')).toMatchObject({ daemon: 'absent', unread: null });

    rmSync(script('workstation-a', 'ifcfg-ipsec0'));
    expect(await end('workstations', 'workstation-a')).toMatchObject({
      configured: 'no',
      differing: ['ifcfg-ipsec0'],
      active: 'yes',
    });
    expect(await end('store-a-store-b', 'store-a')).toMatchObject({ daemon: 'unneeded', active: 'yes' });
    ok(await project.run('apply', 'playbooks/site.yml', '--lab'));
  });

  test('looks at both ends with --limit', { timeout: 60_000 }, async () => {
    const { tunnels, hosts } = await document('-l', 'lana');
    expect(Object.keys(tunnels)).toEqual(['lana-lanb']);
    expect(Object.keys(hosts).sort()).toEqual(['lana', 'lanb']);
  });

  test('goes on without the keys where nobody names a vault password', { timeout: 60_000 }, async () => {
    const before = project.read('inventory/tunnels.yml');
    const envelope = '!vault |\n        $ANSIBLE_VAULT;1.1;AES256\n        6162\n';
    project.edit('inventory/tunnels.yml', 'psk: r3dh4tl1nux\n', `psk: ${envelope}`);
    const seen = await end('lana-lanb', 'lana');
    project.write('inventory/tunnels.yml', before);
    expect(seen).toMatchObject({ configured: 'unknown', differing: [], active: 'yes' });
  });

  test('shows the run that waits for a person at the tunnel that it changed', { timeout: 120_000 }, async () => {
    project.edit('inventory/tunnels.yml', 'psk: r3dh4tl1nux', 'psk: key_pending');
    const argv = ['apply', 'playbooks/network-to-network.yml', '--lab', '--confirm', 'manual', '-o', 'json'];
    const { run } = JSON.parse(ok(await project.run(...argv)).stdout) as { run: string };
    const { tunnels, hosts } = await document();
    expect(tunnels['lana-lanb']?.pending).toEqual([run]);
    expect(tunnels['pinky-ijin']?.pending).toEqual([]);
    expect(hosts.lana).toMatchObject({ lock: run, runs: [{ run, state: 'awaiting', open: true }] });
    const { stdout } = await project.run('status', '--lab', '-o', 'prometheus');
    expect(stdout).toMatch(
      /^ipsec_tunnel_pending_confirmation\{tunnel="lana-lanb",host="lana",nickname="ipsec0"\} 1$/m,
    );
    ok(await project.run('rollback', run));
    project.edit('inventory/tunnels.yml', 'psk: key_pending', 'psk: r3dh4tl1nux');
  });

  describe('--watch', () => {
    const watched = async (screen: boolean, ...more: string[]) => {
      const out: string[] = [];
      const interrupts: (() => void)[] = [];
      const world = {
        screen,
        stdout: (text: string) => {
          out.push(text);
          if (out.length === 2) for (const interrupt of interrupts) interrupt();
        },
        onInterrupt: (callback: () => void) => {
          interrupts.push(callback);
          return () => void interrupts.splice(interrupts.indexOf(callback), 1);
        },
      };
      const { code } = await project.runIn(world, 'status', '--lab', '--watch', '1', '-l', 'pinky', ...more);
      return { code, out };
    };

    test('draws anew on a terminal, and appends elsewhere, until Ctrl-C', { timeout: 60_000 }, async () => {
      const drawn = await watched(true);
      expect([drawn.code, drawn.out.length]).toEqual([130, 2]);
      for (const text of drawn.out) expect(text.startsWith('\x1b[H\x1b[2J20')).toBe(true);
      const appended = await watched(false);
      expect([appended.code, appended.out.length]).toEqual([130, 2]);
      for (const text of appended.out) {
        expect(text).toMatch(/^20\S+Z\nTUNNEL /);
        expect(text).not.toContain('\x1b');
      }
    });

    test('gives a document a line', { timeout: 60_000 }, async () => {
      const { out } = await watched(false, '-o', 'json');
      for (const text of out) {
        expect(text.trimEnd()).not.toContain('\n');
        expect(checkValue(statusSchema, JSON.parse(text))).toEqual([]);
      }
    });
  });
});
