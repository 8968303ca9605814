import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type BastionStage, GATEWAYS, SECRETS, startBastionStage } from '../support/bastion-stage.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import type { Report } from '../support/fleet-workspace.ts';
import { until } from '../support/until.ts';
import { leaksOf } from '../support/watch-secrets.ts';

describe.skipIf(!canRunFleet('ssh', 'ssh-agent', 'ssh-add'))('what goes wrong behind a bastion', () => {
  let stage: BastionStage;
  let before: readonly (readonly string[])[];
  /** What the tests change, as it was. */
  const saved = new Map<string, string>();
  const vault = ['--vault-password-file', 'vault-password'];
  const apply = (hosts: string, ...more: string[]) =>
    stage.site.report(['apply', 'who.yml', '--limit', hosts, '--yes', ...vault, ...more], { env: stage.env });
  const errorOf = (ran: Report, host: string) => {
    const { status, error } = ran.document.hosts[host] ?? { status: 'not there', error: null };
    return { status, code: error?.code, message: error?.message ?? '' };
  };
  const edit = (file: string, from: string | RegExp, to: string) => {
    const text = readFileSync(file, 'utf8');
    const changed = text.replace(from, () => to);
    if (changed === text) throw new Error(`${file} has no ${from}`);
    writeFileSync(file, changed);
  };
  const snapshots = () => GATEWAYS.map((name) => stage.files(name));

  beforeAll(async () => {
    stage = await startBastionStage();
    for (const file of [stage.configFile, stage.fleet.knownHostsFile, join(stage.site.dir, 'inventory/hosts.yml')])
      saved.set(file, readFileSync(file, 'utf8'));
  });
  afterAll(() => stage?.stop());
  beforeEach(() => {
    for (const [file, text] of saved) writeFileSync(file, text);
    for (const name of [...GATEWAYS, 'bastion', 'mute', 'second']) stage.logins(name);
    before = snapshots();
  });

  const touchedNothing = () => {
    expect(snapshots()).toEqual(before);
  };

  test('a bastion with another key than the known one: both fingerprints, and no host behind it is reached', async () => {
    const { hostKey } = stage.fleet.host('deep');
    edit(stage.fleet.knownHostsFile, /^\[198\.51\.100\.10\]:2222 .*$/m, `[198.51.100.10]:2222 ${hostKey}`);
    const ran = await apply('gw-a:gw-b:deep');
    for (const host of ['gw-a', 'gw-b', 'deep']) {
      expect(errorOf(ran, host)).toMatchObject({ status: 'unreachable', code: 'host-key-changed' });
      expect(errorOf(ran, host).message).toContain('bastion');
      expect(errorOf(ran, host).message.match(/SHA256:\S+/g)?.length).toBeGreaterThanOrEqual(2);
    }
    expect(ran.code).toBe(5);
    for (const name of ['bastion', 'second', ...GATEWAYS]) expect([name, stage.logins(name)]).toEqual([name, []]);
    touchedNothing();
  });

  test('a gateway with another key than the known one, its bastion being right', async () => {
    edit(
      stage.fleet.knownHostsFile,
      /^gateway-a\.example .*$/m,
      `gateway-a.example ${stage.fleet.host('deep').hostKey}`,
    );
    const ran = await apply('gw-a:deep');
    expect(errorOf(ran, 'gw-a')).toMatchObject({ status: 'unreachable', code: 'host-key-changed' });
    expect(errorOf(ran, 'gw-a').message).toContain('gateway-a.example');
    expect(ran.hosts.deep).toBe('changed');
    expect(ran.code).toBe(5);
    expect(stage.logins('gw-a')).toEqual([]);
  });

  test('a second bastion of which no key is known', async () => {
    edit(stage.fleet.knownHostsFile, /^\[10\.20\.0\.2\]:2200 .*\n/m, '');
    const ran = await apply('deep');
    expect(errorOf(ran, 'deep')).toMatchObject({ status: 'unreachable', code: 'host-key-unknown' });
    expect(errorOf(ran, 'deep').message).toContain('second');
    expect(ran.code).toBe(5);
    expect(stage.logins('second')).toEqual([]);
    touchedNothing();
  });

  test('known_hosts that cannot be read stops all, before a bastion is logged into', async () => {
    edit(stage.fleet.knownHostsFile, /^/, '@revoked nonsense\n');
    const ran = await apply('gw-a');
    expect(errorOf(ran, 'gw-a').status).toBe('unreachable');
    expect(ran.code).toBe(5);
    expect(stage.logins('bastion')).toEqual([]);
    touchedNothing();
  });

  test.each([
    { loop: 'of two', config: 'Host bastion\n  ProxyJump second\n' },
    { loop: 'of one', config: 'Host bastion\n  ProxyJump bastion\n' },
  ])('a loop $loop is told by its names, and nothing is connected to', async ({ config }) => {
    edit(stage.configFile, /^/, config);
    const ran = await apply('deep');
    expect(errorOf(ran, 'deep')).toMatchObject({ status: 'unreachable', code: 'jump-loop' });
    expect(errorOf(ran, 'deep').message).toMatch(/bastion/);
    expect(ran.code).toBe(5);
    expect(stage.logins('bastion')).toEqual([]);
    touchedNothing();
  });

  test('an old host without the profile: what it offers, and the line to write', async () => {
    edit(join(stage.site.dir, 'inventory/hosts.yml'), 'gw-b: { ipsec_ssh_profile: el5 }', 'gw-b:');
    const ran = await apply('gw-a:gw-b');
    expect(errorOf(ran, 'gw-b')).toMatchObject({ status: 'unreachable', code: 'algorithms' });
    expect(errorOf(ran, 'gw-b').message).toContain('diffie-hellman-group1-sha1');
    expect(JSON.stringify(ran.document.hosts['gw-b']?.error)).toContain('ipsec_ssh_profile: el5');
    expect(ran.hosts['gw-a']).toBe('changed');
    expect(ran.code).toBe(5);
    expect(stage.logins('gw-b')).toEqual([]);
  });

  test.each(['gw-a', 'gw-b', 'gw-k'])('a wrong become password is told at once: %s', async (host) => {
    const snapshot = stage.files(host);
    const since = Date.now();
    const ran = await apply(host, '-e', 'ansible_become_password=not-the-password');
    expect(errorOf(ran, host)).toMatchObject({ status: 'unreachable', code: 'become' });
    expect(errorOf(ran, host).message).toMatch(/refused the password/);
    expect(ran.code).toBe(5);
    expect(Date.now() - since).toBeLessThan(10_000);
    expect(stage.files(host)).toEqual(snapshot);
    expect(ran.stdout).not.toContain('not-the-password');
  });

  test('a bastion that forwards nothing is named', async () => {
    edit(
      stage.configFile,
      /^Match host 10\.20\.0\.1\*\n {2}ProxyJump bastion$/m,
      'Match host 10.20.0.1*\n  ProxyJump mute',
    );
    const since = Date.now();
    const ran = await apply('gw-a');
    expect(errorOf(ran, 'gw-a').status).toBe('unreachable');
    expect(errorOf(ran, 'gw-a').message).toContain('mute');
    expect(errorOf(ran, 'gw-a').message).toMatch(/forward|prohibited/i);
    expect(ran.code).toBe(5);
    expect(Date.now() - since).toBeLessThan(10_000);
    touchedNothing();
  });

  test('a bastion on whose port nothing listens is named, as is a gateway that is not there', async () => {
    edit(stage.configFile, 'Port 2222', 'Port 2223');
    const closed = await apply('gw-a:deep');
    for (const host of ['gw-a', 'deep']) {
      expect(errorOf(closed, host)).toMatchObject({ status: 'unreachable', code: 'refused' });
      expect(errorOf(closed, host).message).toMatch(/bastion|198\.51\.100\.10/);
    }
    expect(closed.code).toBe(5);
    edit(stage.configFile, 'Port 2223', 'Port 2222');
    edit(stage.configFile, 'HostName 10.20.0.11', 'HostName 10.20.0.11\n  Port 23');
    const gone = await apply('gw-a:gw-k');
    expect(errorOf(gone, 'gw-a').status).toBe('unreachable');
    expect(errorOf(gone, 'gw-a').message).toMatch(/10\.20\.0\.11/);
    expect(gone.hosts['gw-k']).toBe('changed');
  });

  test('a key that is encrypted, with nobody to ask and no agent', async () => {
    const ran = await stage.site.report(['apply', 'who.yml', '--limit', 'gw-a', '--yes', ...vault], {
      env: { SSH_AUTH_SOCK: '' },
    });
    expect(errorOf(ran, 'gw-a')).toMatchObject({ status: 'unreachable', code: 'authentication' });
    expect(errorOf(ran, 'gw-a').message).toMatch(/gateways.*(encrypted|passphrase)/);
    expect(ran.code).toBe(5);
    touchedNothing();
  });

  test.each([
    { what: 'is wrong', password: 'not the vault password\n', code: /^vault-wrong-password/ },
    { what: 'is empty', password: '', code: /^vault-/ },
  ])('a vault password that $what: the input is wrong, and no host is reached', async ({ password }) => {
    stage.site.write('other-password', password);
    const ran = await stage.site.run(
      ['apply', 'tunnels.yml', '--yes', '--vault-password-file', 'other-password', '-o', 'json'],
      { env: stage.env },
    );
    expect(ran.code).toBe(3);
    expect(ran.stdout + ran.stderr).toMatch(/vault/i);
    expect(stage.logins('bastion')).toEqual([]);
    expect(leaksOf({ ...SECRETS, other: password.trim() || 'none' }, ran.stdout + ran.stderr)).toEqual([]);
    touchedNothing();
  });

  test('a vaulted text that was tampered with is told by its place', async () => {
    const file = join(stage.site.dir, 'inventory/tunnels.yml');
    const text = readFileSync(file, 'utf8');
    const lines = text.split('\n');
    const last = lines.findIndex((line) => line.includes('onboot')) - 1;
    lines[last] = (lines[last] ?? '').replace(/(\d)(?=\S*$)/, (digit) => `${(Number(digit) + 1) % 10}`);
    writeFileSync(file, lines.join('\n'));
    try {
      const ran = await stage.site.run(['apply', 'tunnels.yml', '--yes', ...vault], { env: stage.env });
      expect(ran.code).toBe(3);
      expect(ran.stdout + ran.stderr).toMatch(/inventory\/tunnels\.yml:8/);
      expect(stage.logins('bastion')).toEqual([]);
    } finally {
      writeFileSync(file, text);
    }
  });

  describe('in the middle of a run', () => {
    afterEach(() => stage.fleet.heal('bastion'));

    const hold = (name: string) => stage.fleet.host(name).exec('ls -d /var/lib/ipsec-play/lock');

    test('the link to the bastion stays cut: all behind it are lost, each with the last task that was known to run, and go back by themselves', async () => {
      edit(stage.configFile, /$/, 'Host *\n  ServerAliveInterval 1\n  ServerAliveCountMax 2\n');
      stage.site.write(
        'slow.yml',
        `- name: Work
  hosts: gw-a:deep
  become: true
  tasks:
    - name: Quick
      file: { path: /root/quick, content: "quick\\n", mode: "0600" }
    - name: The slow one
      command: echo > /root/begun; sleep 8; echo > /root/slept
    - name: The last
      command: echo > /root/last
`,
      );
      const args = ['--timeout', '3', '--confirm-timeout', '5', '-o', 'json'];
      const running = stage.site.start(['apply', 'slow.yml', '--yes', ...vault, ...args], { env: stage.env });
      const lost = ['gw-a', 'deep'];
      await until(() => lost.every((name) => stage.fleet.host(name).read('root/begun') !== null), 20);
      // What the hosts say of it is on its way through two bastions.
      await sleep(500);
      stage.fleet.cut('bastion');
      const since = Date.now();
      const { code, stdout } = await running.ended;
      expect(Date.now() - since).toBeLessThan(20_000);
      const document = JSON.parse(stdout);
      for (const name of lost) {
        expect([name, document.hosts[name].status]).toEqual([name, 'unreachable']);
        expect(document.hosts[name].error).toMatchObject({
          code: 'lost',
          message: expect.stringContaining('The slow one'),
        });
      }
      expect(code).toBe(5);
      stage.fleet.heal('bastion');
      for (const name of lost) {
        const { read } = stage.fleet.host(name);
        await until(async () => (await hold(name)).stdout === '', 60);
        // The script does not hang on the connection; what a command did stays.
        expect([name, read('root/last')]).toEqual([name, '\n']);
        expect([name, read('root/quick')]).toEqual([name, null]);
      }
    }, 120_000);

    test('the bastion ends every connection at once: another one is made, and the run goes on as if nothing had happened', async () => {
      stage.site.write(
        'slower.yml',
        '- name: Work\n  hosts: gw-a\n  become: true\n  tasks:\n    - name: The long one\n      command: echo > /root/long; sleep 5; echo >> /root/long\n    - name: Next\n      command: echo > /root/next\n',
      );
      const running = stage.site.start(['apply', 'slower.yml', '--yes', ...vault, '-o', 'json'], { env: stage.env });
      await until(() => stage.fleet.host('gw-a').read('root/long') !== null, 20);
      await stage.fleet.host('bastion').exec('kill $(pgrep -u jump sshd)');
      const { code, stdout } = await running.ended;
      const { status, error, tasks } = JSON.parse(stdout).hosts['gw-a'];
      expect({ status, error }).toEqual({ status: 'changed', error: null });
      expect(tasks.map((task: { status: string }) => task.status)).toEqual(['changed', 'changed']);
      expect(code).toBe(0);
      expect(stage.logins('bastion')).toHaveLength(2);
      // Begun once.
      expect(stage.fleet.host('gw-a').read('root/long')).toBe('\n\n');
      expect(stage.fleet.host('gw-a').read('root/next')).toBe('\n');
      expect((await hold('gw-a')).stdout).toBe('');
    });
  });
});
