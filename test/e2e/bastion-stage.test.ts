import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BastionStage, SECRETS, startBastionStage } from '../support/bastion-stage.ts';
import { canRunFleet } from '../support/fleet-needs.ts';

/** What the stage is, told by OpenSSH's own client: nothing of the product has a part in it. */
describe.skipIf(!canRunFleet('ssh', 'ssh-agent', 'ssh-add'))('the stage with bastions', () => {
  let stage: BastionStage;
  let config: string;
  const ssh = (...args: string[]) =>
    stage.fleet.controlExec(['ssh', '-F', config, '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=5', ...args], {
      env: stage.env,
    });
  const OLD = ['-o', 'KexAlgorithms=+diffie-hellman-group1-sha1', '-o', 'Ciphers=+aes128-cbc'];
  const OLD_KEYS = ['-o', 'HostKeyAlgorithms=+ssh-rsa', '-o', 'PubkeyAcceptedAlgorithms=+ssh-rsa'];

  beforeAll(async () => {
    stage = await startBastionStage();
    config = join(stage.fleet.dir, 'config');
    // ssh takes the home from the password database.
    writeFileSync(config, `Include ${stage.configFile}\nHost *\n  UserKnownHostsFile ${stage.fleet.knownHostsFile}\n`);
  });
  afterAll(async () => {
    await stage?.stop();
    expect(existsSync(stage.fleet.dir)).toBe(false);
    const left = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => commandLine(pid).includes(stage.fleet.dir));
    expect(left).toEqual([]);
  });

  test('no gateway is reached directly, nor is the second bastion', async () => {
    const behind = [
      ['10.20.0.11', '22'],
      ['10.20.0.12', '22'],
      ['10.20.0.2', '2200'],
      ['10.30.0.11', '22'],
    ] as const;
    const scans = behind.map(async ([address, port]) => {
      const ran = await stage.fleet.controlExec(['ssh-keyscan', '-T', '1', '-p', port, address]);
      expect([address, ran.stdout]).toEqual([address, '']);
    });
    await Promise.all(scans);
    const bastion = await stage.fleet.controlExec(['ssh-keyscan', '-T', '5', '-p', '2222', '198.51.100.10']);
    expect(bastion.stdout).toContain('ssh-ed25519');
    expect((await stage.fleet.host('bastion').exec('ssh-keyscan -T 1 10.30.0.11')).stdout).toBe('');
  });

  test('a gateway is reached through the bastion, with the key in the agent, and by no other key', async () => {
    expect((await ssh('gw-a', 'id -un')).stdout).toBe('admin\n');
    expect(stage.logins('bastion')).toEqual([expect.stringMatching(/^Accepted publickey for jump .*ED25519/)]);
    expect(stage.logins('gw-a')).toEqual([expect.stringMatching(/^Accepted publickey for admin from 10\.20\.0\.1 /)]);
    const without = await ssh('-o', 'IdentityAgent=none', 'gw-a', 'id -un');
    expect(without.stderr).toMatch(/Permission denied \(publickey\)/);
  });

  test('two hops lead to the deep one', async () => {
    expect((await ssh('deep', 'id -un')).stdout).toBe('admin\n');
    expect(stage.logins('second')).toEqual([expect.stringMatching(/^Accepted publickey for hop from 10\.20\.0\.1 /)]);
    expect(stage.logins('deep')).toEqual([expect.stringMatching(/ from 10\.30\.0\.1 /)]);
  });

  test('the old one has only what OpenSSH of RHEL 5 has, and its sudo wants a terminal', async () => {
    expect((await ssh('gw-b', 'id -un')).stderr).toMatch(/no matching key exchange.*diffie-hellman-group1-sha1/);
    const ran = await ssh(...OLD, ...OLD_KEYS, 'gw-b', 'sudo -S -p "" id -un');
    expect(ran.stderr).toMatch(/must (be|have) a(n? tty| terminal)|must have a tty/);
  });

  test('one bastion forwards nothing', async () => {
    expect((await ssh('mute', 'echo here')).stdout).toBe('here\n');
    expect((await ssh('-J', 'mute', '10.20.0.11', 'id')).stderr).toMatch(/administratively prohibited/);
  });

  test('one gateway takes a password by keyboard-interactive alone', async () => {
    const answers = join(stage.fleet.dir, 'askpass');
    const ran = await stage.fleet.controlExec(['setsid', 'ssh', '-F', config, 'gw-k', 'id -un'], {
      env: { SSH_ASKPASS: answers, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: ':0', PASSPHRASE: SECRETS.loginPassword },
    });
    expect(ran.stdout).toBe('kim\n');
    expect(stage.logins('gw-k')).toEqual([expect.stringMatching(/^Accepted keyboard-interactive\/pam for kim/)]);
  });
});

/** Empty where it has ended meanwhile. */
function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
