import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import { PASSWORD } from '../support/fleet-root.ts';
import { until } from '../support/until.ts';

/** This machine's own devices and addresses: nothing of them may change. */
function machine(): string {
  return execFileSync('ip', ['-br', 'address'], { encoding: 'utf8' });
}

describe.skipIf(!canRunFleet('ssh'))('the fleet that the tests run on', () => {
  const before = machine();
  let fleet: Fleet;
  const ssh = (login: string, command: string, input = '') =>
    fleet.controlExec(
      ['ssh', '-o', `UserKnownHostsFile=${fleet.knownHostsFile}`, '-i', fleet.keyFile, login, command],
      {
        input,
      },
    );

  beforeAll(async () => {
    fleet = await startFleet({
      hosts: [
        { name: 'one', address: '198.51.100.1', shell: 'busybox', users: [{ name: 'admin', sudo: 'with-password' }] },
        { name: 'two', address: '203.0.113.2', shell: 'bash', users: [{ name: 'admin', sudo: 'without-password' }] },
      ],
    });
  });
  afterAll(async () => {
    await fleet?.stop();
    expect(existsSync(fleet.dir)).toBe(false);
    expect(machine()).toBe(before);
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(fleet.dir);
  });

  test('runs commands over SSH, as root, with the programs of the lab before those of the machine', async () => {
    const ran = await ssh(
      'root@203.0.113.2',
      'id -un; command -v service sysctl ip; echo $BASH_VERSION; rpm -q initscripts',
    );
    expect(ran.stdout).toMatch(/^root\n\/sbin\/service\n\/sbin\/sysctl\n\/sbin\/ip\n5\..*\ninitscripts-8/);
    expect((await ssh('root@198.51.100.1', 'echo "$BASH_VERSION"; readlink /proc/$$/exe')).stdout).toMatch(/^\n/);
    expect((await fleet.host('one').exec('busybox cmp /bin/busybox /bin/sh && echo same')).stdout).toBe('same\n');
  });

  test('lets a user become root with sudo, by a password where the host wants one', async () => {
    expect((await ssh('admin@203.0.113.2', 'sudo id -un')).stdout).toBe('root\n');
    expect((await ssh('admin@198.51.100.1', 'sudo -S -p "" id -un', `${PASSWORD}\n`)).stdout).toBe('root\n');
    expect((await ssh('admin@198.51.100.1', 'sudo -S -p "" id -un', 'wrong\n')).stdout).toBe('');
  });

  test('keeps a host from writing to what it shows of the machine', async () => {
    const { exec } = fleet.host('one');
    const ran = await exec('for at in /usr/bin /usr/lib /bin/sh /usr/sbin/sshd; do chmod 0755 $at && echo $at; done');
    expect(ran.stdout).toBe('');
    expect(ran.stderr.match(/Read-only file system/gi)).toHaveLength(4);
  });

  test('a snapshot tells that a file was written again with the bytes it had', async () => {
    const { root, snapshot, exec } = fleet.host('one');
    const first = snapshot();
    expect(snapshot()).toEqual(first);
    await exec('cat /etc/sysctl.conf > /etc/new; cat /etc/new > /etc/sysctl.conf; rm /etc/new');
    const changed = snapshot()
      .filter((line) => !first.includes(line))
      .map((line) => line.split(' ')[0]);
    expect(changed).toEqual(['etc', 'etc/sysctl.conf']);
    expect(existsSync(join(root, 'usr/bin/env'))).toBe(false);
  });

  test('a reboot ends what ran, keeps files, and loses what a kernel holds', async () => {
    const { exec } = fleet.host('two');
    await exec(
      'yum -y install ipsec-tools; echo kept > /etc/kept; echo lost > /tmp/lost; sysctl -w net.ipv4.ip_forward=1; sleep 4242 > /dev/null 2>&1 &',
    );
    // Started, but for a moment still the shell that becomes it.
    await until(() => fleet.host('two').processes().includes('sleep 4242'));
    await fleet.reboot('two');
    const ran = await exec('cat /etc/kept; ls /tmp; sysctl -n net.ipv4.ip_forward');
    expect(ran.stdout).toBe('kept\n0\n');
    expect(fleet.host('two').processes()).not.toContain('sleep 4242');
    expect((await ssh('root@203.0.113.2', 'echo back')).stdout).toBe('back\n');
  });

  test('a cut cable makes a host unreachable, until it is healed', async () => {
    fleet.cut('two');
    const there = (host: string) => fleet.controlExec(['ssh-keyscan', '-T', '1', host]);
    expect((await there('203.0.113.2')).stdout).toBe('');
    expect((await there('198.51.100.1')).stdout).toContain('ssh-ed25519');
    fleet.heal('two');
    expect((await ssh('root@203.0.113.2', 'echo back')).stdout).toBe('back\n');
  });

  test('what fails to start leaves nothing behind', async () => {
    const failed = startFleet({
      hosts: [
        { name: 'good', address: '198.51.100.1' },
        { name: 'bad', address: 'no address' },
      ],
    });
    await expect(failed).rejects.toThrow(/prefix is expected/);
  });
});
