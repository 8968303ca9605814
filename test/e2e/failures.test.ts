import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import { workspace } from '../support/fleet-workspace.ts';
import { generateKey } from '../support/sshd.ts';
import { until } from '../support/until.ts';

const PLAY = (tasks: string) => `- name: Some work\n  hosts: all\n  become: true\n  tasks:\n${tasks}`;

describe.skipIf(!canRunFleet())('one host that fails', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({
      hosts: [
        { name: 'pinky', address: '198.51.100.1' },
        { name: 'ijin', address: '198.51.100.2' },
        { name: 'modern', address: '198.51.100.6', release: '6.10' },
      ],
    });
  });
  afterAll(() => fleet?.stop());

  const hosts = (list: Record<string, string>) =>
    `all:\n  hosts:\n${Object.entries(list)
      .map(([name, vars]) => `    ${name}: { ${vars} }\n`)
      .join('')}  vars: { ansible_user: root }\n`;

  test('a host without ifup-ipsec is blocked, and all that have tunnels with it are left alone; the others are done', async () => {
    const site = workspace(fleet, 'shipped');
    site.write(
      'inventory/hosts.yml',
      hosts({
        pinky: 'ansible_host: 198.51.100.1',
        ijin: 'ansible_host: 198.51.100.2',
        modern: 'ansible_host: 198.51.100.6',
      }),
    );
    site.write(
      'inventory/tunnels.yml',
      `tunnels:
  pinky-ijin: { type: host-to-host, ends: { pinky: { nickname: ipsec1 }, ijin: { nickname: ipsec1 } }, keying: { psk: Key_Value01 }, onboot: false }
  pinky-modern: { type: host-to-host, ends: { pinky: { nickname: ipsec6 }, modern: { nickname: ipsec6 } }, keying: { psk: Key_Value06 }, onboot: false }
`,
    );
    await fleet.host('modern').exec('mkdir -p /var/lib/rpm/lab; echo "0.8-1 x86_64" > /var/lib/rpm/lab/ipsec-tools');
    await fleet.host('modern').exec('cp /var/lib/lab/share/packaged/setkey /sbin/setkey');
    const snapshots = () => Object.values(fleet.hosts).map((host) => host.snapshot());
    const before = snapshots();
    const { code, document } = await site.report(['apply', 'playbooks/site.yml', '--yes']);
    const blocked = document.hosts.modern?.tasks.filter(({ status }) => status === 'blocked');
    expect(blocked?.[0]?.error).toMatchObject({ code: 'blocked', message: expect.stringMatching(/RHEL 6/) });
    for (const name of ['pinky', 'ijin', 'modern']) {
      expect(document.hosts[name]?.status).toBe('failed');
      expect(document.hosts[name]?.tasks.filter(({ status }) => status === 'changed')).toEqual([]);
      if (name === 'modern') continue;
      expect(document.hosts[name]?.error?.code).toBe('other-end');
      expect(document.hosts[name]?.error?.message).toMatch(/^not changed, because modern cannot be: .*RHEL 6/);
    }
    expect(code).toBe(4);
    expect(snapshots()).toEqual(before);

    // Without a tunnel between them that changes, they do not wait for each other.
    const text = site.read('inventory/tunnels.yml');
    site.write('inventory/tunnels.yml', text.replace(/^ {2}pinky-modern:.*\n/m, ''));
    site.write(
      'more.yml',
      PLAY('    - name: Fail\n      command: "false"\n      when: inventory_hostname == "modern"\n'),
    );
    site.edit('more.yml', '  tasks:\n', '  tasks:\n    - ipsec_tunnels: {}\n');
    const alone = await site.report(['apply', 'more.yml', '--yes']);
    expect(alone.hosts).toMatchObject({ pinky: 'changed', ijin: 'changed', modern: expect.stringMatching(/^failed/) });
  });

  test('a command that fails is told by name with its stderr; nothing after it runs there, all runs elsewhere', async () => {
    const site = workspace(fleet);
    site.write('hosts.yml', hosts({ pinky: 'ansible_host: 198.51.100.1', ijin: 'ansible_host: 198.51.100.2' }));
    await fleet.host('ijin').exec('touch /root/broken');
    site.write(
      'play.yml',
      PLAY(`    - name: Before it
      command: echo before > /root/before
    - name: The breaking one
      command: if test -e /root/broken; then echo some words of mine >&2; /bin/false; fi
    - name: After it
      command: echo after > /root/after
`),
    );
    const { code, document, stdout } = await site.report(['apply', '-i', 'hosts.yml', 'play.yml', '--yes']);
    const tasks = (name: string) => document.hosts[name]?.tasks.map((task) => [task.name, task.status]);
    expect(tasks('ijin')).toEqual([
      ['Before it', 'skipped'],
      ['The breaking one', 'failed'],
      ['After it', 'skipped'],
    ]);
    expect(tasks('pinky')).toEqual([
      ['Before it', 'changed'],
      ['The breaking one', 'changed'],
      ['After it', 'changed'],
    ]);
    expect(document.hosts.ijin?.tasks[1]?.error?.message).toMatch(/exit 1.*some words of mine/);
    expect(document.hosts.ijin?.error?.message).toContain('The breaking one');
    expect(stdout).not.toContain('    at ');
    expect(code).toBe(4);
    expect(document.hosts.ijin?.tasks[0]?.error?.code).toBe('put-back');
    // What a command did stays: nobody can tell what it was.
    expect(fleet.host('ijin').read('root/before')).toBe('before\n');
    expect(fleet.host('ijin').read('root/after')).toBeNull();
    expect(fleet.host('pinky').read('root/after')).toBe('after\n');

    const human = await site.run(['apply', '-i', 'hosts.yml', 'play.yml', '--yes']);
    expect(human.code).toBe(4);
    expect(human.stdout).toMatch(/\[ijin\] The breaking one: failed\n.*\n? *exit 1: some words of mine/);
  });

  test('each way to be unreachable is told by its kind, and the others are done', async () => {
    const site = workspace(fleet);
    const otherKey = join(site.dir, 'other-key');
    generateKey(otherKey);
    generateKey(join(site.dir, 'other-host-key'));
    const known = join(fleet.home, '.ssh/known_hosts');
    const saved = readFileSync(known, 'utf8');
    const other = readFileSync(join(site.dir, 'other-host-key.pub'), 'utf8');
    writeFileSync(known, saved.replace(/^198\.51\.100\.6 .*$/m, `198.51.100.6 ${other.trim()}`));
    site.write(
      'hosts.yml',
      hosts({
        good: 'ansible_host: 198.51.100.1',
        nobody: 'ansible_host: 198.51.100.99',
        closed: 'ansible_host: 198.51.100.1, ansible_port: 2222',
        stranger: `ansible_host: 198.51.100.2, ansible_ssh_private_key_file: ${otherKey}`,
        impostor: 'ansible_host: 198.51.100.6',
      }),
    );
    site.write('play.yml', PLAY('    - name: Do it\n      command: echo good > /root/reached\n'));
    try {
      const { code, document } = await site.report(['apply', '-i', 'hosts.yml', 'play.yml', '--yes', '--timeout', '5']);
      const codes = Object.entries(document.hosts).map(([name, { status, error }]) => [
        name,
        `${status} ${error?.code}`,
      ]);
      expect(Object.fromEntries(codes)).toEqual({
        good: 'changed undefined',
        nobody: expect.stringMatching(/^unreachable (network|timeout)$/),
        closed: 'unreachable refused',
        stranger: 'unreachable authentication',
        impostor: 'unreachable host-key-changed',
      });
      expect(document.recap.closed?.unreachable).toBe(1);
      expect(code).toBe(5);
      expect(fleet.host('pinky').read('root/reached')).toBe('good\n');
      expect(fleet.host('modern').read('root/reached')).toBeNull();
    } finally {
      writeFileSync(known, saved);
    }
  });

  test('of a failed and an unreachable host the exit code is 5', async () => {
    const site = workspace(fleet);
    site.write(
      'hosts.yml',
      hosts({ bad: 'ansible_host: 198.51.100.1', closed: 'ansible_host: 198.51.100.1, ansible_port: 2222' }),
    );
    site.write('play.yml', PLAY('    - name: Fail\n      command: "false"\n'));
    expect((await site.run(['apply', '-i', 'hosts.yml', 'play.yml', '--yes'])).code).toBe(5);
  });

  test('a host that is rebooted in the middle of a task goes back, and the next apply converges', async () => {
    const site = workspace(fleet);
    site.write('hosts.yml', hosts({ pinky: 'ansible_host: 198.51.100.1', ijin: 'ansible_host: 198.51.100.2' }));
    site.write(
      'play.yml',
      PLAY(`    - name: First
      file: { path: /root/first, content: "one\\n", mode: "0640" }
    - name: Take long
      command: { cmd: sleep 3; touch /root/slept, creates: /root/slept }
    - name: A file
      file: { path: /root/a-file, content: "one line\\n", mode: "0640" }
`),
    );
    // Of runs that were confirmed, for `rollback RUN`.
    const kept = async () => (await fleet.host('ijin').exec('ls /var/lib/ipsec-play/runs')).stdout;
    const before = await kept();
    const running = site.start(['apply', '-i', 'hosts.yml', 'play.yml', '--yes']);
    await until(() => fleet.host('ijin').processes().includes('sleep 3'));
    expect(await kept()).not.toBe(before);
    await fleet.reboot('ijin');
    const { code, stdout } = await running.ended;
    expect(stdout).toMatch(/ijin .*failed=1 .*unreachable=0/);
    expect(stdout).toMatch(/Take long: the script .* was ended .* the old state was put back, and is proven/);
    expect(code).toBe(4);
    for (const path of ['root/first', 'root/slept', 'root/a-file']) expect(fleet.host('ijin').read(path)).toBeNull();
    expect(await kept()).toBe(before);
    expect((await fleet.host('ijin').exec('ls -d /var/lib/ipsec-play/lock')).stdout).toBe('');
    expect(fleet.host('pinky').read('root/a-file')).toBe('one line\n');
    const again = await site.report(['apply', '-i', 'hosts.yml', 'play.yml', '--yes']);
    expect(again.hosts).toEqual({ pinky: 'ok', ijin: 'changed' });
    expect(fleet.host('ijin').read('root/a-file')).toBe('one line\n');
  });
});
