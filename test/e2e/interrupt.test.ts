import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import { type Workspace, workspace } from '../support/fleet-workspace.ts';
import { until } from '../support/until.ts';

const SCRIPTS = 'etc/sysconfig/network-scripts';

/** The kernel numbers policies as they come, and notes when. */
const sorted = (text: string) =>
  text
    .split('\n')
    .filter((line) => !/created:|spid=/.test(line))
    .sort();

describe.skipIf(!canRunFleet())('an apply that is interrupted', () => {
  let fleet: Fleet;
  let site: Workspace;
  const APPLY = ['apply', 'playbooks/site.yml', '--limit', 'pinky:ijin', '--yes'];
  beforeAll(async () => {
    fleet = await startFleet({
      hosts: [
        { name: 'pinky', address: '198.51.100.1' },
        { name: 'ijin', address: '198.51.100.2' },
      ],
    });
    site = workspace(fleet, 'shipped');
  });
  afterAll(() => fleet?.stop());

  test('lets the running task end, begins none after it, and says so', async () => {
    site.write(
      'play.yml',
      `- name: Work
  hosts: pinky
  tasks:
    - name: Slow
      command: echo begun > /root/begun; sleep 2; echo ended > /root/ended
    - name: Next
      command: touch /root/next
`,
    );
    const running = site.start(['apply', 'play.yml', '--yes', '--output', 'json']);
    await until(() => fleet.host('pinky').read('root/begun') === 'begun\n');
    running.signal('SIGINT');
    const { code, stdout } = await running.ended;
    expect(code).toBe(130);
    expect(fleet.host('pinky').read('root/ended')).toBe('ended\n');
    expect(fleet.host('pinky').read('root/next')).toBeNull();
    const { exitCode, hosts } = JSON.parse(stdout);
    expect(exitCode).toBe(130);
    expect(hosts.pinky.tasks.map((task: { status: string }) => task.status)).toEqual(['skipped', 'skipped']);
    expect(hosts.pinky.tasks[0].error.code).toBe('put-back');
    expect(hosts.pinky.error.message).toMatch(/^stopped before its end\. .* is proven by reading the host again$/);
    await until(
      () =>
        !fleet
          .host('pinky')
          .processes()
          .some((one) => one.startsWith('sshd: root@')),
    );
  });

  const state = async () =>
    Promise.all(
      ['pinky', 'ijin'].map(async (name) => {
        const { exec } = fleet.host(name);
        const files = `cat /${SCRIPTS}/*-ipsec1 /etc/racoon/psk.txt /etc/racoon/racoon.conf; ls -A /${SCRIPTS} /etc/racoon`;
        return (await exec(`${files}; setkey -DP; ls /var/lib/ipsec-play/lock /var/lib/ipsec-play/pending`)).stdout;
      }),
    );

  test('in a slow ifup brings both ends back, and the next apply finds nothing in its way', async () => {
    for (const name of ['pinky', 'ijin']) await fleet.host(name).exec('yum -y install ipsec-tools');
    const before = await state();
    fleet.host('pinky').fault('slow-ifup', '2');
    fleet.host('ijin').fault('slow-ifup', '2');
    const running = site.start(APPLY);
    await until(() => /^ifup ipsec1$/m.test(fleet.host('pinky').read('var/log/messages') ?? ''), 30);
    running.signal('SIGINT');
    const ran = await running.ended;
    expect(ran.code).toBe(130);
    expect(ran.stdout).toContain('Interrupted.');
    expect(await state()).toEqual(before);
    const next = await site.report(APPLY);
    expect(next.code).toBe(0);
    expect((await site.report(APPLY)).hosts).toEqual({ pinky: 'ok', ijin: 'ok' });
  });

  test('between ifdown and the files brings both ends up again with the old key', async () => {
    site.edit('inventory/tunnels.yml', 'Key_Value01', 'Key_Value02');
    for (const name of ['pinky', 'ijin']) {
      fleet.host(name).unfault('slow-ifup');
      await fleet
        .host(name)
        .exec(`cp /sbin/ifdown /root/ifdown; sed -i '1a sleep 2' /sbin/ifdown; : > /var/log/messages`);
    }
    const before = await state();
    expect(before.join()).toContain('esp/transport//require');
    const running = site.start(APPLY);
    await until(() => fleet.host('pinky').processes().includes('sleep 2'), 30);
    running.signal('SIGINT');
    expect((await running.ended).code).toBe(130);
    expect((await state()).map(sorted)).toEqual(before.map(sorted));
    for (const name of ['pinky', 'ijin']) await fleet.host(name).exec('cp /root/ifdown /sbin/ifdown');

    const next = await site.report(APPLY);
    expect(next.hosts).toEqual({ pinky: 'changed', ijin: 'changed' });
    expect(fleet.host('pinky').read(`${SCRIPTS}/keys-ipsec1`)).toBe('IKE_PSK=Key_Value02\n');
    expect((await fleet.host('pinky').exec('setkey -DP')).stdout).toContain('esp/transport//require');
    expect((await site.report(APPLY)).hosts).toEqual({ pinky: 'ok', ijin: 'ok' });
  });

  test('a second interrupt ends it at once', async () => {
    site.write(
      'play.yml',
      '- name: Work\n  hosts: pinky\n  tasks:\n    - name: Slow\n      command: echo > /root/third; sleep 20\n',
    );
    const running = site.start(['apply', 'play.yml', '--yes']);
    await until(() => fleet.host('pinky').read('root/third') !== null);
    running.signal('SIGINT');
    await running.heard(/stopping/);
    const since = Date.now();
    running.signal('SIGINT');
    expect((await running.ended).code).toBe(130);
    expect(Date.now() - since).toBeLessThan(5000);
  });
});
