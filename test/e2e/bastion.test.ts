import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BastionStage, GATEWAYS, SECRETS, startBastionStage } from '../support/bastion-stage.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import type { RunOptions } from '../support/fleet-workspace.ts';
import { generateKey } from '../support/sshd.ts';

const SCRIPTS = 'etc/sysconfig/network-scripts';

/** What each end of the tunnel has when it is applied. */
const ENDS = [
  { host: 'gw-a', nick: 'ipsec1', peer: '10.20.0.12' },
  { host: 'gw-b', nick: 'ipsec2', peer: '10.20.0.11' },
];

describe.skipIf(!canRunFleet('ssh', 'ssh-agent', 'ssh-add', 'script'))('gateways behind a bastion', () => {
  let stage: BastionStage;
  const vault = ['--vault-password-file', 'vault-password'];
  const run = (args: readonly string[], options: RunOptions = {}) =>
    stage.site.report([...args, ...vault], { ...options, env: { ...stage.env, ...options.env } });
  const tunnels = (command: string) => run([command, 'tunnels.yml', ...(command === 'apply' ? ['--yes'] : [])]);
  const who = (hosts: string, more: readonly string[] = [], options: RunOptions = {}) =>
    run(['apply', 'who.yml', '--limit', hosts, '--yes', ...more], options);
  const snapshots = () => GATEWAYS.map((name) => stage.files(name));
  const logins = (...hosts: string[]) => hosts.map((host) => stage.logins(host).length);

  beforeAll(async () => {
    stage = await startBastionStage();
  });
  afterAll(() => stage?.stop());

  test('cannot be reached by their address', async () => {
    stage.site.write(
      'direct/hosts.yml',
      'all: { hosts: { direct: { ansible_host: 10.20.0.11, ansible_user: admin } } }\n',
    );
    // A user without an ssh_config.
    const home = join(stage.site.dir, 'nobody');
    mkdirSync(home);
    const { code, document } = await run(['apply', 'who.yml', '-i', 'direct', '--yes', '--timeout', '4'], {
      env: { HOME: home },
    });
    expect(document.hosts.direct).toMatchObject({
      status: 'unreachable',
      error: { code: expect.stringMatching(/^(network|timeout)$/) },
    });
    expect(code).toBe(5);
  });

  test('are checked: nothing is touched, and one login on the bastion serves both', async () => {
    const before = snapshots();
    const { code, hosts } = await tunnels('check');
    expect(hosts).toEqual({ 'gw-a': 'changed', 'gw-b': 'changed' });
    expect(code).toBe(2);
    expect(snapshots()).toEqual(before);
    expect(logins('bastion', 'gw-a', 'gw-b')).toEqual([1, 1, 1]);
  });

  test('are brought there', async () => {
    const { code, hosts } = await tunnels('apply');
    expect(hosts).toEqual({ 'gw-a': 'changed', 'gw-b': 'changed' });
    expect(code).toBe(0);
  });

  test('with one connection to the bastion, the user, port and key of each, and a second login as proof that it can be reached', () => {
    expect(stage.logins('bastion')).toEqual([
      expect.stringMatching(/^Accepted publickey for jump from 198\.18\.0\.1 /),
    ]);
    for (const host of ['gw-a', 'gw-b']) {
      const login = expect.stringMatching(/^Accepted publickey for admin from 10\.20\.0\.1 .*: RSA /);
      expect(stage.logins(host)).toEqual([login, login]);
    }
  });

  test.each(ENDS)('$host has the files of its end', async ({ host, nick, peer }) => {
    const { read, mode, exec } = stage.fleet.host(host);
    expect(read(`${SCRIPTS}/ifcfg-${nick}`)).toBe(`DST=${peer}\nTYPE=IPSEC\nONBOOT=yes\nIKE_METHOD=PSK\n`);
    expect(read(`${SCRIPTS}/keys-${nick}`)).toBe(`IKE_PSK=${SECRETS.psk}\n`);
    expect(mode(`${SCRIPTS}/keys-${nick}`)).toBe('0600');
    expect(read('etc/racoon/psk.txt')?.split('\n')).toContain(`${peer}  ${SECRETS.psk}`);
    expect(mode('etc/racoon/psk.txt')).toBe('0600');
    expect(read(`etc/racoon/${peer}.conf`)).toContain(`remote ${peer}`);
    expect((await exec('setkey -DP')).stdout).toContain('esp/transport//require');
  });

  test('a second time there is nothing to do', async () => {
    const before = snapshots();
    const applied = await tunnels('apply');
    expect(applied.hosts).toEqual({ 'gw-a': 'ok', 'gw-b': 'ok' });
    expect(applied.code).toBe(0);
    const checked = await tunnels('check');
    expect(checked.hosts).toEqual({ 'gw-a': 'ok', 'gw-b': 'ok' });
    expect(checked.code).toBe(0);
    expect(snapshots()).toEqual(before);
  });

  test('with another psk both ends get it', async () => {
    const before = stage.site.read('inventory/tunnels.yml');
    stage.site.write('inventory/tunnels.yml', stage.vaultedTunnels('Rotated-psk-01'));
    try {
      expect((await tunnels('apply')).hosts).toEqual({ 'gw-a': 'changed', 'gw-b': 'changed' });
      for (const { host, nick, peer } of ENDS) {
        const { read } = stage.fleet.host(host);
        expect(read(`${SCRIPTS}/keys-${nick}`)).toBe('IKE_PSK=Rotated-psk-01\n');
        expect(read('etc/racoon/psk.txt')).toContain(`${peer}  Rotated-psk-01\n`);
        expect(read('etc/racoon/psk.txt')).not.toContain(SECRETS.psk);
      }
    } finally {
      stage.site.write('inventory/tunnels.yml', before);
    }
    expect((await tunnels('apply')).hosts).toEqual({ 'gw-a': 'changed', 'gw-b': 'changed' });
  });

  test('and behind two are reached together, each bastion by one connection, and each key verified', async () => {
    logins('bastion', 'second', ...GATEWAYS);
    const { code, hosts } = await who('all');
    expect(hosts).toEqual({ 'gw-a': 'changed', 'gw-b': 'changed', 'gw-k': 'changed', deep: 'changed' });
    expect(code).toBe(0);
    expect(logins('bastion', 'second', ...GATEWAYS)).toEqual([1, 1, 1, 1, 1, 1]);
    for (const host of GATEWAYS) expect(stage.fleet.host(host).read('root/who')).toBe('root\n');
  });

  test('an agent with more keys than the server allows attempts is of use, by IdentitiesOnly', async () => {
    stage.agent.clear();
    for (const name of ['jump', 'hop', 'id_ed25519']) stage.agent.add(join(stage.fleet.home, '.ssh', name));
    stage.agent.add(join(stage.fleet.home, '.ssh/gateways'), SECRETS.passphrase);
    expect((await who('deep')).hosts).toEqual({ deep: 'changed' });
    expect(stage.fleet.host('deep').log()).not.toContain('Too many authentication failures');
  });

  test('a login by keyboard-interactive, root by su', async () => {
    logins('gw-k');
    expect((await who('gw-k')).hosts).toEqual({ 'gw-k': 'changed' });
    expect(stage.logins('gw-k')).toEqual([
      expect.stringMatching(/^Accepted keyboard-interactive\/pam for kim from 10/),
    ]);
  });

  test.each([
    { host: 'gw-a', method: 'sudo' },
    { host: 'gw-k', method: 'su' },
  ])('another user than root by $method', async ({ host }) => {
    stage.site.write(
      'worker.yml',
      '- name: Work\n  hosts: all\n  become: true\n  become_user: worker\n  tasks:\n    - name: Who\n      command: id -un > /tmp/worker; echo "$HOME" >> /tmp/worker\n',
    );
    // su asks for the password of the user to become.
    const { code, hosts } = await run(['apply', 'worker.yml', '--limit', host, '--yes']);
    expect(hosts).toEqual({ [host]: 'changed' });
    expect(code).toBe(0);
    expect(stage.fleet.host(host).read('tmp/worker')).toMatch(/^worker\n/);
  });

  test('without an agent a person is asked for each passphrase, one at a time and once for all hosts', async () => {
    const other = join(stage.fleet.home, '.ssh/other');
    generateKey(other, { passphrase: 'another passphrase' });
    const accepted = stage.fleet.host('deep').read('etc/ssh/authorized_keys') ?? '';
    stage.fleet.host('deep').authorize(readFileSync(`${other}.pub`, 'utf8'));
    stage.site.write('inventory/host_vars/deep.yml', `ansible_private_key_file: ${other}\n`);
    try {
      const words = ['apply', 'who.yml', '--limit', 'gw-a:gw-b:deep', '--yes', ...vault].join(' ');
      const argv = ['script', '-qefc', `${process.execPath} ${stage.fleet.dir}/dist/cli.js ${words}`, '/dev/null'];
      const running = stage.fleet.controlSpawn(argv, { cwd: stage.site.dir, input: { open: true } });
      await running.heard(/Passphrase for /);
      // The second question waits for the answer to the first.
      await sleep(500);
      expect(running.said().stdout.match(/Passphrase for /g)).toHaveLength(1);
      const isOther = running.said().stdout.includes(`Passphrase for ${other}: `);
      const answers = ['another passphrase', SECRETS.passphrase];
      running.write(`${answers[isOther ? 0 : 1]}\n`);
      await running.heard(isOther ? /Passphrase for \S*gateways: / : /Passphrase for \S*other: /);
      running.write(`${answers[isOther ? 1 : 0]}\n`);
      const { code, stdout } = await running.ended;
      expect(code).toBe(0);
      expect(stdout.match(/passphrase/gi)).toHaveLength(2);
      for (const answer of answers) expect(stdout).not.toContain(answer);
    } finally {
      stage.fleet.host('deep').authorize(accepted);
      rmSync(join(stage.site.dir, 'inventory/host_vars/deep.yml'));
    }
  });

  describe('by what the inventory says', () => {
    /** Of a user whose ssh_config knows of no gateway. */
    const home = () => {
      const folder = join(stage.site.dir, 'other-home');
      mkdirSync(join(folder, '.ssh'), { recursive: true, mode: 0o700 });
      const of = (name: string) => join(stage.fleet.home, '.ssh', name);
      writeFileSync(
        join(folder, '.ssh/config'),
        `Host bastion
  HostName 198.51.100.10
  Port 2222
  User jump
  IdentityFile ${of('jump')}
Host second
  HostName 10.20.0.2
  Port 2200
  User hop
  IdentityFile ${of('hop')}
`,
      );
      writeFileSync(
        join(folder, '.ssh/known_hosts'),
        ['bastion', 'second', 'gw-a', 'deep'].map((name) => stage.fleet.host(name).knownHosts).join(''),
      );
      return folder;
    };
    const inventory = (host: string, address: string, more: string) =>
      stage.site.write(
        'words/hosts.yml',
        `all:\n  hosts:\n    ${host}: { ansible_host: ${address}, ansible_user: admin, ansible_private_key_file: ${join(stage.fleet.home, '.ssh/gateways')}, ${more} }\n  vars:\n    ansible_become_password: ${stage.vaulted(SECRETS.becomePassword, 4)}\n`,
      );

    test.each(['-o ProxyJump=bastion', '-J bastion', '-oProxyJump=jump@bastion:2222'])(
      'ansible_ssh_common_args: %s',
      async (words) => {
        inventory('one', '10.20.0.11', `ansible_ssh_common_args: "${words}"`);
        logins('bastion');
        const { hosts } = await who('one', ['-i', 'words'], { env: { HOME: home() } });
        expect(hosts).toEqual({ one: expect.stringMatching(/^(ok|changed)$/) });
        expect(stage.logins('bastion')).toHaveLength(1);
      },
    );

    test('two hops in one word', async () => {
      inventory('one', '10.30.0.11', 'ansible_ssh_common_args: "-J bastion,second"');
      logins('bastion', 'second');
      const { hosts } = await who('one', ['-i', 'words'], { env: { HOME: home() } });
      expect(hosts).toEqual({ one: 'changed' });
      expect(logins('bastion', 'second')).toEqual([1, 1]);
    });

    test('a command that is the connection', async () => {
      const config = join(stage.fleet.dir, 'command-config');
      writeFileSync(
        config,
        `Include ${join(home(), '.ssh/config')}\nHost *\n  UserKnownHostsFile ${stage.fleet.knownHostsFile}\n`,
      );
      inventory(
        'one',
        '10.20.0.11',
        `ansible_ssh_common_args: "-o 'ProxyCommand=ssh -F ${config} -o BatchMode=yes -W %h:%p bastion'"`,
      );
      logins('bastion');
      const { hosts } = await who('one', ['-i', 'words'], { env: { HOME: home() } });
      expect(hosts).toEqual({ one: 'changed' });
      expect(stage.logins('bastion')).toHaveLength(1);
    });
  });

  test("the project's own known_hosts is filled through the bastions, and is enough for a user who knows no host", async () => {
    const home = join(stage.site.dir, 'fresh-home');
    mkdirSync(join(home, '.ssh'), { recursive: true, mode: 0o700 });
    const config = readFileSync(stage.configFile, 'utf8').replace(/^ *UserKnownHostsFile .*\n/m, '');
    writeFileSync(join(home, '.ssh/config'), config);
    const env = { ...stage.env, HOME: home };
    const scan = () => stage.site.run(['hosts', 'scan', '--yes', ...vault], { env });
    const bastions = ['bastion', 'second'].map((name) => stage.fleet.host(name).knownHosts).join('');
    try {
      stage.site.write('inventory/known_hosts', bastions);
      const { code, stdout } = await scan();
      expect(code).toBe(0);
      const text = stage.site.read('inventory/known_hosts');
      expect(text.startsWith(bastions)).toBe(true);
      for (const name of ['gw-b', 'gw-k', 'deep']) expect(text).toContain(stage.fleet.host(name).knownHosts);
      expect(text).toContain(`gateway-a.example ${stage.fleet.host('gw-a').hostKey}\n`);
      expect(stdout.match(/SHA256:\S+/g)?.length).toBeGreaterThanOrEqual(4);
      expect((await who('all', [], { env })).hosts).toMatchObject({ 'gw-b': 'changed', deep: 'changed' });

      // An unknown bastion is not gone through, not even to ask for keys.
      stage.site.write('inventory/known_hosts', '');
      logins('bastion');
      const refused = await scan();
      expect(refused.code).toBe(5);
      expect(refused.stdout).toContain('jump host bastion');
      expect(stage.logins('bastion')).toEqual([]);
      expect(stage.site.read('inventory/known_hosts')).toBe('');
    } finally {
      rmSync(join(stage.site.dir, 'inventory/known_hosts'), { force: true });
    }
  });

  test('the inventory tells where each value of the connection comes from', async () => {
    const { stdout, code } = await stage.site.run(['inventory', 'host', 'gw-a', ...vault], { env: stage.env });
    expect(code).toBe(0);
    const config = readFileSync(stage.configFile, 'utf8').split('\n');
    const line = config.findIndex((one) => one.includes('HostName 10.20.0.11')) + 1;
    expect(stdout).toContain('10.20.0.11');
    expect(stdout).toMatch(new RegExp(`config:${line}\\b`));
    expect(stdout).toContain('gateway-a.example');
  });
});
