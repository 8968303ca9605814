import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import { PASSWORD } from '../support/fleet-root.ts';
import { type Workspace, workspace } from '../support/fleet-workspace.ts';
import { leaksOf, traceHost, watchModes } from '../support/watch-secrets.ts';

/** Each stands in one place only, so that a leak tells where it came from. */
const CANARIES = {
  psk: 'Canary-psk-3f9a17',
  replacedPsk: 'Canary-replaced-88d1',
  derivedFrom: 'Canary master 77b0',
  manualKey: '0x2f1c9b0e6a4d83577de0b8c1943fa62510cb7e98',
  manualCipherKey: '0x8e3a1d5c72f0b946c7581f2be09d6a34135fa87b2ce4d069',
  becomePassword: PASSWORD,
  foreignPsk: 'Canary-foreign-e6e6',
};
const SCRIPTS = 'etc/sysconfig/network-scripts';
const FOLDERS = [SCRIPTS, 'etc/racoon'];

describe.skipIf(!canRunFleet('strace'))('secrets', () => {
  let fleet: Fleet;
  let site: Workspace;

  beforeAll(async () => {
    fleet = await startFleet({
      hosts: [
        { name: 'pinky', address: '198.51.100.1', users: [{ name: 'admin', sudo: 'with-password' }] },
        { name: 'ijin', address: '198.51.100.2', users: [{ name: 'admin', sudo: 'with-password' }] },
        { name: 'third', address: '198.51.100.3', users: [{ name: 'admin', sudo: 'with-password' }] },
      ],
    });
    site = workspace(fleet, 'shipped');
    site.write(
      'inventory/hosts.yml',
      `all:\n  hosts: { pinky: { ansible_host: 198.51.100.1 }, ijin: { ansible_host: 198.51.100.2 }, third: { ansible_host: 198.51.100.3 } }\n  vars: { ansible_user: admin, ansible_become_password: ${JSON.stringify(PASSWORD)} }\n`,
    );
    site.write(
      'inventory/tunnels.yml',
      `tunnels:
  shared: { type: host-to-host, ends: { pinky: { nickname: ipsec1 }, ijin: { nickname: ipsec1 } }, keying: { psk: ${CANARIES.psk} }, onboot: true }
  by-hand:
    type: host-to-host
    ends: { ijin: { nickname: ipsec3 }, third: { nickname: ipsec3 } }
    keying:
      manual:
        ijin: { ah: { spi: 0x200, key: ${CANARIES.manualKey} }, esp: { spi: 0x201, key: ${CANARIES.manualCipherKey} } }
        third: { ah: { spi: 0x300, key: 0xb3760f5de1c8429a3d94e7120a5f6b8c97f401e2 }, esp: { spi: 0x301, key: 0x4b97f06e2d1ac5830fe6925bd478a13cb2805ce71f4d936a } }
    onboot: true
  derived: { type: host-to-host, ends: { pinky: { nickname: ipsec4 }, third: { nickname: ipsec4 } }, keying: { psk: { derive: ${CANARIES.derivedFrom} } }, onboot: false }
`,
    );
    for (const { exec } of Object.values(fleet.hosts)) {
      await exec(
        `yum -y install ipsec-tools; echo '198.51.100.2 ${CANARIES.replacedPsk}' >> /etc/racoon/psk.txt; echo '192.0.2.7 ${CANARIES.foreignPsk}' >> /etc/racoon/psk.txt`,
      );
    }
    await fleet
      .host('pinky')
      .exec(
        `cd /${SCRIPTS}; umask 077; echo 'IKE_PSK=${CANARIES.replacedPsk}' > keys-ipsec1; printf 'DST=198.51.100.2\\nTYPE=IPSEC\\nONBOOT=no\\nIKE_METHOD=PSK\\n' > ifcfg-ipsec1`,
      );
  });
  afterAll(() => fleet?.stop());

  const leaks = (text: string) => leaksOf(CANARIES, text);
  const derived = () => /^IKE_PSK=(.*)$/m.exec(fleet.host('pinky').read(`${SCRIPTS}/keys-ipsec4`) ?? '')?.[1] ?? '';

  test.each(['human', 'human -v', 'json', 'jsonl'])(
    'are in no byte that a check prints (--output %s)',
    async (format) => {
      const { code, stdout, stderr } = await site.run([
        'check',
        'playbooks/site.yml',
        '--output',
        ...format.split(' '),
      ]);
      expect(code).toBe(2);
      expect(stdout).toMatch(/fp:[0-9a-f]+/);
      expect(leaks(stdout + stderr)).toEqual([]);
    },
  );

  test.each(['tasks', 'validate'])('nor in what %s prints', async (command) => {
    for (const format of ['human', 'json']) {
      const { code, stdout, stderr } = await site.run([command, 'playbooks/site.yml', '--output', format]);
      expect(code).toBe(0);
      expect(leaks(stdout + stderr)).toEqual([]);
    }
  });

  test('nor in what the inventory commands print', async () => {
    for (const args of [
      ['list'],
      ['list', '--output', 'json'],
      ['host', 'pinky'],
      ['host', 'pinky', '--output', 'json'],
      ['graph'],
    ]) {
      const { code, stdout, stderr } = await site.run(['inventory', ...args]);
      expect(code).toBe(0);
      expect(leaks(stdout + stderr)).toEqual([]);
    }
  });

  test('are in no argument of any program while an apply runs, and in no file that others may read', async () => {
    const trace = join(fleet.dir, 'trace');
    const watched = Object.values(fleet.hosts).map((host) => watchModes(host, FOLDERS));
    const kept = Object.values(fleet.hosts).map((host) => watchModes(host, ['var/lib/ipsec-play'], 'below'));
    const tracers = await Promise.all(
      Object.values(fleet.hosts).map((host) => traceHost(host, `${trace}-${host.name}`)),
    );
    const { code, stdout, stderr } = await site.run(['apply', 'playbooks/site.yml', '--yes', '--output', 'jsonl'], {
      tracedTo: `${trace}-control`,
      timeout: 110_000,
    });
    for (const stop of tracers) await stop();
    const modes = watched.map((stop) => stop());
    expect(code).toBe(0);
    expect(leaks(stdout + stderr)).toEqual([]);
    expect(derived()).toMatch(/^\S{16,}$/);
    expect(stdout + stderr).not.toContain(derived());

    const arguments_ = ['control', 'pinky', 'ijin', 'third'].map((name) => readFileSync(`${trace}-${name}`, 'utf8'));
    expect(arguments_[0]).toMatch(/execve\(.*cli\.js/);
    for (const text of arguments_.slice(1)) expect(text).toMatch(/execve\(.*"ifup"/);
    for (const text of arguments_) {
      // strace shows an argument as a C string.
      expect(leaks(text.replaceAll('\\"', '"'))).toEqual([]);
      expect(text).not.toContain(derived());
    }

    const [pinky = new Map<string, Set<string>>()] = modes;
    // The watch saw what is there for a moment only: each begins with a dot, and is renamed into place.
    const names = [...pinky.keys()].map((name) => name.replace(/-\d+~$/, '-N~'));
    expect(names).toEqual(
      expect.arrayContaining(['.keys-ipsec1.ipsec-play-N~', '.psk.txt.ipsec-play-N~', 'keys-ipsec1', 'keys-ipsec4']),
    );
    for (const seen of modes) {
      const secret = [...seen].filter(([name]) => /keys-|psk/.test(name));
      expect(secret.length).toBeGreaterThan(2);
      for (const [name, found] of secret) expect([name, ...found]).toEqual([name, '0600']);
    }
    for (const seen of kept.map((stop) => stop())) {
      const [run = ''] = [...seen.keys()].flatMap((path) => /^runs\/[^/]+$/.exec(path)?.[0] ?? []);
      expect(seen.get(run)).toEqual(new Set(['0700']));
      expect(seen.get(`${run}/backup`)).toEqual(new Set(['0700']));
      expect([...seen.keys()]).toEqual(expect.arrayContaining([`${run}/part-1.sh`, `${run}/out`, `${run}/restore.sh`]));
      for (const [path, found] of seen) {
        // A backup has the mode of its file, and a folder of its own around it.
        if (!path.includes('/backup/')) expect([path, ...found]).toEqual([path, expect.stringMatching(/^0[67]00$/)]);
      }
    }
  }, 120_000);

  test('stay on a host where they belong, and in the backups of the run', async () => {
    for (const host of Object.values(fleet.hosts)) {
      const files = await host.exec('cd /var/lib/ipsec-play && find . -type f | grep -v /backup/');
      const paths = files.stdout.trim().split('\n');
      expect(paths.some((path) => path.endsWith('/journal'))).toBe(true);
      expect(paths.filter((path) => /\/(part-|out$|err$|staged)/.test(path))).toEqual([]);
      for (const path of paths) {
        const text = host.read(`var/lib/ipsec-play/${path}`) ?? '';
        expect([path, ...leaks(text)]).toEqual([path]);
        expect(text).not.toContain(derived());
      }
      const beside = await host.exec('find / -xdev -name "*ipsec-play*~"');
      expect(beside.stdout).toBe('');
    }
    const saved = await fleet.host('pinky').exec('grep -rl Canary-replaced /var/lib/ipsec-play');
    expect(saved.stdout).toMatch(/^\S+\/backup\/\d+\n/);
  });

  test('pass through no file that others may read on the way to a command, and are gone when that has failed', async () => {
    site.write(
      'stdin.yml',
      '- name: Fed\n  hosts: pinky\n  become: true\n  tasks:\n    - name: Reads one\n      command: { cmd: "cat > /root/read; sleep 1; exit 1", stdin: Canary-stdin-51c2 }\n',
    );
    const watch = watchModes(fleet.host('pinky'), ['var/lib/ipsec-play'], 'below');
    expect((await site.run(['apply', 'stdin.yml', '--yes'])).code).toBe(4);
    const part = [...watch()].filter(([path]) => path.endsWith('/part-1.sh'));
    expect(part.flatMap(([, modes]) => [...modes])).toContain('0600');
    expect(new Set(part.flatMap(([, modes]) => [...modes]))).toEqual(new Set(['0600']));
    expect(fleet.host('pinky').read('root/read')).toBe('Canary-stdin-51c2');
    expect((await fleet.host('pinky').exec('grep -rl Canary-stdin /var/lib /etc /tmp /var/tmp')).stdout).toBe('');
  });

  test('nor in what a second run, a failing task and a wrong password print', async () => {
    const again = await site.run(['apply', 'playbooks/site.yml', '--yes', '-v']);
    expect(again.code).toBe(0);
    expect(leaks(again.stdout + again.stderr)).toEqual([]);

    site.write(
      'leaky.yml',
      '- name: Leaky\n  hosts: pinky\n  become: true\n  tasks:\n    - name: Prints all keys\n      command: cat /etc/racoon/psk.txt /etc/sysconfig/network-scripts/keys-*; cat /etc/racoon/psk.txt >&2; exit 1\n',
    );
    for (const format of ['human', 'json', 'jsonl']) {
      const { code, stdout, stderr } = await site.run(['apply', 'leaky.yml', '--yes', '--output', format]);
      expect(code).toBe(4);
      // Only what the inventory holds can be known for a secret in what a command prints.
      expect(leaks(stdout + stderr).filter((name) => !/foreign|replaced/i.test(name))).toEqual([]);
    }

    await fleet.host('pinky').exec('sed -i s/^admin:[^:]*/admin:x/ /etc/shadow');
    const refused = await site.run(['check', 'playbooks/site.yml', '--limit', 'pinky']);
    expect(refused.code).toBe(5);
    expect(leaks(refused.stdout + refused.stderr)).toEqual([]);
  });
});
