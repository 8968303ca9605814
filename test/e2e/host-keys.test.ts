import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import { type Workspace, workspace } from '../support/fleet-workspace.ts';
import { generateKey } from '../support/sshd.ts';

describe.skipIf(!canRunFleet())('the key of a host', () => {
  let fleet: Fleet;
  let site: Workspace;
  let home: string;
  let known: string;
  const fact = (name: string) => fleet.host(name).knownHosts;
  const APPLY = ['apply', 'play.yml', '-i', 'hosts.yml', '--yes', '--output', 'json'];
  const apply = (...more: string[]) => site.report([...APPLY.slice(0, 5), ...more], { env: { HOME: home } });

  beforeAll(async () => {
    fleet = await startFleet({
      hosts: [
        { name: 'one', address: '198.51.100.1' },
        { name: 'two', address: '198.51.100.2' },
      ],
    });
    site = workspace(fleet);
    site.write(
      'hosts.yml',
      'all:\n  hosts: { one: { ansible_host: 198.51.100.1 }, two: { ansible_host: 198.51.100.2 } }\n  vars: { ansible_user: root }\n',
    );
    site.write(
      'play.yml',
      '- name: Work\n  hosts: all\n  tasks:\n    - name: Touch\n      command: { cmd: echo >> /root/touched }\n',
    );
  });
  afterAll(() => fleet?.stop());

  beforeEach(async () => {
    home = join(site.dir, `home-${Math.random()}`);
    known = join(home, '.ssh/known_hosts');
    mkdirSync(join(home, '.ssh'), { recursive: true, mode: 0o700 });
    writeFileSync(join(home, '.ssh/id_ed25519'), readFileSync(fleet.keyFile), { mode: 0o600 });
    for (const name of ['one', 'two']) await fleet.host(name).exec('rm -f /root/touched');
  });

  test('that nobody knows yet is refused with its fingerprint, before anything is sent', async () => {
    const { code, document } = await apply();
    const fingerprint = await fleet.controlExec([
      'ssh-keygen',
      '-l',
      '-f',
      join(fleet.host('one').root, 'etc/ssh/ssh_host_ed25519_key.pub'),
    ]);
    const [sha256 = 'none'] = /SHA256:\S+/.exec(fingerprint.stdout) ?? [];
    expect(document.hosts.one).toMatchObject({ status: 'unreachable', error: { code: 'host-key-unknown' } });
    expect(document.hosts.one?.error?.message).toContain(sha256);
    expect(document.hosts.one?.error?.message).toContain('--accept-new-host-keys');
    expect(code).toBe(5);
    expect(existsSync(known)).toBe(false);
    expect(fleet.host('one').log()).not.toMatch(/Accepted|Failed publickey/);
    expect(fleet.host('one').read('root/touched')).toBeNull();
  });

  test('is recorded when that is asked for, and from then on verified', async () => {
    const { code, hosts } = await apply('--accept-new-host-keys');
    expect(hosts).toEqual({ one: 'changed', two: 'changed' });
    expect(code).toBe(0);
    expect(readFileSync(known, 'utf8').split('\n').sort().join('\n').trim()).toBe(
      [fact('one'), fact('two')].sort().join('').trim(),
    );
    const found = await fleet.controlExec([
      'ssh',
      '-o',
      'BatchMode=yes',
      '-o',
      `UserKnownHostsFile=${known}`,
      '-i',
      fleet.keyFile,
      'root@198.51.100.2',
      'echo known',
    ]);
    expect(found.stdout).toBe('known\n');
    expect((await apply()).hosts).toEqual({ one: 'changed', two: 'changed' });
  });

  test('that has changed is refused, also where new ones are accepted', async () => {
    generateKey(join(home, 'other'));
    const other = readFileSync(join(home, 'other.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
    const text = `198.51.100.1 ${other}\n${fact('two')}`;
    writeFileSync(known, text);
    for (const more of [[], ['--accept-new-host-keys']]) {
      const { code, document, hosts } = await apply(...more);
      expect(document.hosts.one).toMatchObject({ status: 'unreachable', error: { code: 'host-key-changed' } });
      expect(hosts.two).toBe('changed');
      expect(code).toBe(5);
    }
    expect(readFileSync(known, 'utf8')).toBe(text);
    expect(fleet.host('one').read('root/touched')).toBeNull();
  });

  test('that is revoked is refused', async () => {
    writeFileSync(known, `@revoked * ${fact('one').split(' ').slice(1).join(' ')}${fact('one')}${fact('two')}`);
    const { code, document, hosts } = await apply();
    expect(document.hosts.one).toMatchObject({ status: 'unreachable', error: { code: 'host-key-revoked' } });
    expect(hosts.two).toBe('changed');
    expect(code).toBe(5);
  });

  test('is found under a hashed name', async () => {
    writeFileSync(known, fact('one') + fact('two'));
    await fleet.controlExec(['ssh-keygen', '-q', '-H', '-f', known]);
    expect(readFileSync(known, 'utf8')).toMatch(/^\|1\|/);
    expect((await apply()).hosts).toEqual({ one: 'changed', two: 'changed' });
  });

  test('check writes no known_hosts and reads the same way', async () => {
    writeFileSync(known, fact('one') + fact('two'));
    const { code, hosts } = await site.report(['check', 'play.yml', '-i', 'hosts.yml'], { env: { HOME: home } });
    expect(hosts).toEqual({ one: 'changed', two: 'changed' });
    expect(code).toBe(2);
    expect(readFileSync(known, 'utf8')).toBe(fact('one') + fact('two'));
    expect(fleet.host('one').read('root/touched')).toBeNull();
  });
});
