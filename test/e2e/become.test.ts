import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import type { RunOptions } from '../support/fleet-process.ts';
import { PASSWORD } from '../support/fleet-root.ts';
import { type Workspace, workspace } from '../support/fleet-workspace.ts';

describe.skipIf(!canRunFleet('script'))('a user who becomes root', () => {
  let fleet: Fleet;
  let site: Workspace;
  const apply = (host: string, args: readonly string[] = [], options: RunOptions = {}) =>
    site.report(
      ['apply', 'play.yml', '-i', 'hosts.yml', '--limit', host, '-u', 'admin', '-b', '--yes', ...args],
      options,
    );

  beforeAll(async () => {
    fleet = await startFleet({
      hosts: [
        { name: 'free', address: '198.51.100.1', users: [{ name: 'admin', sudo: 'without-password' }] },
        { name: 'guarded', address: '198.51.100.2', users: [{ name: 'admin', sudo: 'with-password' }] },
        { name: 'closed', address: '198.51.100.3', users: [{ name: 'admin', sudo: 'none' }] },
        {
          name: 'terminal',
          address: '198.51.100.4',
          users: [{ name: 'admin', sudo: 'with-password' }],
          sudoers: ['Defaults requiretty'],
        },
        { name: 'su', address: '198.51.100.5', rootPassword: true, users: [{ name: 'admin', sudo: 'none' }] },
      ],
    });
    site = workspace(fleet);
    site.write(
      'hosts.yml',
      'all:\n  hosts:\n    free: { ansible_host: 198.51.100.1 }\n    guarded: { ansible_host: 198.51.100.2 }\n    closed: { ansible_host: 198.51.100.3 }\n    terminal: { ansible_host: 198.51.100.4 }\n    su: { ansible_host: 198.51.100.5, ansible_become_method: su }\n',
    );
    site.write(
      'play.yml',
      '- name: Work\n  hosts: all\n  tasks:\n    - name: A file\n      file: { path: /root/mine, content: "{{ inventory_hostname }}\\n", mode: "0600", owner: root }\n    - name: Who\n      command: id -un > /root/who\n',
    );
    site.write('vars.yml', `ansible_become_password: ${JSON.stringify(PASSWORD)}\n`);
    site.write('wrong.yml', 'ansible_become_password: not-the-password\n');
  });
  afterAll(() => fleet?.stop());
  const made = (host: string) => [fleet.host(host).read('root/mine'), fleet.host(host).read('root/who')];

  test('without a password', async () => {
    const { code, hosts } = await apply('free');
    expect(hosts).toEqual({ free: 'changed' });
    expect(code).toBe(0);
    expect(made('free')).toEqual(['free\n', 'root\n']);
    expect(fleet.host('free').log()).toContain('Accepted publickey for admin');
  });

  test('also where a password is given that sudo does not ask for', async () => {
    expect((await apply('free', ['-e', '@vars.yml'])).hosts).toEqual({ free: 'changed' });
    expect(fleet.host('free').read('root/who')).toBe('root\n');
  });

  test('with a password of the inventory', async () => {
    const { code, hosts, stdout, stderr } = await apply('guarded', ['-e', '@vars.yml']);
    expect(hosts).toEqual({ guarded: 'changed' });
    expect(code).toBe(0);
    expect(made('guarded')).toEqual(['guarded\n', 'root\n']);
    expect(stdout + stderr).not.toContain(PASSWORD);
  });

  test('with a password that a person types, which is not echoed', async () => {
    await fleet.host('guarded').exec('rm /root/mine');
    const command = ['apply', 'play.yml', '-i', 'hosts.yml', '--limit', 'guarded', '-u', 'admin', '-b', '-K', '--yes'];
    const words = [process.execPath, `${fleet.dir}/dist/cli.js`, ...command].join(' ');
    const running = fleet.controlSpawn(['script', '-qefc', words, '/dev/null'], {
      cwd: site.dir,
      input: { open: true },
    });
    await running.heard(/password/i);
    running.write(`${PASSWORD}\n`);
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    expect(stdout).not.toContain(PASSWORD);
    expect(made('guarded')).toEqual(['guarded\n', 'root\n']);
  });

  test('is told at once that the password is wrong, and nothing was done', async () => {
    const before = fleet.host('guarded').snapshot();
    const since = Date.now();
    const { code, document, stdout } = await apply('guarded', ['-e', '@wrong.yml']);
    expect(document.hosts.guarded).toMatchObject({ status: 'unreachable', error: { code: 'become' } });
    expect(document.hosts.guarded?.error?.message).toMatch(/refused the password/);
    expect(stdout).not.toContain('not-the-password');
    expect(code).toBe(5);
    expect(Date.now() - since).toBeLessThan(10_000);
    expect(fleet.host('guarded').snapshot()).toEqual(before);
  });

  test('is told that a password is missing', async () => {
    const { code, document } = await apply('guarded');
    expect(document.hosts.guarded).toMatchObject({ status: 'unreachable', error: { code: 'become' } });
    expect(document.hosts.guarded?.error?.message).toMatch(/asks for a password/);
    expect(document.hosts.guarded?.error?.message).toContain('-K');
    expect(code).toBe(5);
  });

  test('is told that sudo does not allow it', async () => {
    const { code, document } = await apply('closed', ['-e', '@vars.yml']);
    expect(document.hosts.closed).toMatchObject({ status: 'unreachable', error: { code: 'become' } });
    expect(code).toBe(5);
    expect(fleet.host('closed').read('root/mine')).toBeNull();
  });

  test('gets along with a sudo that insists on a terminal', async () => {
    const { code, hosts } = await apply('terminal', ['-e', '@vars.yml']);
    expect(hosts).toEqual({ terminal: 'changed' });
    expect(code).toBe(0);
    expect(made('terminal')).toEqual(['terminal\n', 'root\n']);
  });

  test('does so with su and the password of root', async () => {
    const { code, hosts } = await apply('su', ['-e', '@vars.yml']);
    expect(hosts).toEqual({ su: 'changed' });
    expect(code).toBe(0);
    expect(made('su')).toEqual(['su\n', 'root\n']);
    const wrong = await apply('su', ['-e', '@wrong.yml']);
    expect(wrong.document.hosts.su).toMatchObject({ status: 'unreachable', error: { code: 'become' } });
    expect(wrong.code).toBe(5);
  });

  test('has all of a tunnel done as root, too', async () => {
    site.write(
      'tunnels/hosts.yml',
      'all:\n  hosts: { free: { ansible_host: 198.51.100.1 }, guarded: { ansible_host: 198.51.100.2 } }\n',
    );
    site.write(
      'tunnels/tunnels.yml',
      'tunnels:\n  both: { type: host-to-host, ends: { free: { nickname: ipsec1 }, guarded: { nickname: ipsec1 } }, keying: { psk: Key_Value01 }, onboot: true }\n',
    );
    site.write(
      'tunnels.yml',
      '- name: Tunnels\n  hosts: all\n  become: true\n  tasks:\n    - ipsec_tunnels: { tunnels: all }\n',
    );
    const args = ['tunnels.yml', '-i', 'tunnels', '-u', 'admin', '-e', '@vars.yml'];
    expect((await site.report(['apply', ...args, '--yes'])).hosts).toEqual({ free: 'changed', guarded: 'changed' });
    expect((await site.report(['apply', ...args, '--yes'])).hosts).toEqual({ free: 'ok', guarded: 'ok' });
    expect(fleet.host('guarded').mode('etc/sysconfig/network-scripts/keys-ipsec1')).toBe('0600');
    expect((await fleet.host('guarded').exec('stat -c %U /etc/sysconfig/network-scripts/keys-ipsec1')).stdout).toBe(
      'root\n',
    );
  });
});
