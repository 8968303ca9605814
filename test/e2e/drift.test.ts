import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import { type Workspace, workspace } from '../support/fleet-workspace.ts';

const SCRIPTS = 'etc/sysconfig/network-scripts';
const CERTS = '/etc/racoon/certs';

describe.skipIf(!canRunFleet())('a host that drifted', () => {
  let fleet: Fleet;
  let site: Workspace;
  const RUN = ['playbooks/site.yml', '--limit', 'routers'];
  const policies = async () => (await fleet.host('lana').exec('setkey -DP')).stdout.match(/\/require/g)?.length ?? 0;

  beforeAll(async () => {
    fleet = await startFleet({
      hosts: [
        { name: 'lana', address: '203.0.113.1', lan: '192.168.1.254/24' },
        { name: 'lanb', address: '203.0.113.2', lan: '192.168.2.254/24' },
      ],
    });
    site = workspace(fleet, 'shipped');
    expect((await site.report(['apply', ...RUN, '--yes'])).code).toBe(0);
    expect(await policies()).toBe(6);
  });
  afterAll(() => fleet?.stop());

  test.each([
    ['its connection was taken down', 'ifdown ipsec0', ['ifup ipsec0']],
    ['its policies were flushed', 'setkey -FP', ['ifup ipsec0']],
    ['it forwards no more', 'sysctl -w net.ipv4.ip_forward=0', ['net.ipv4.ip_forward', 'service network restart']],
    ['its psk.txt is gone', 'rm /etc/racoon/psk.txt', ['psk.txt']],
    ['its keys file can be read by others', `chmod 0644 /${SCRIPTS}/keys-ipsec0`, ['keys-ipsec0']],
    ['its ifcfg file belongs to somebody else', `chown nobody /${SCRIPTS}/ifcfg-ipsec0`, ['ifcfg-ipsec0']],
  ])('is brought back when %s', async (_, damage, tasks) => {
    await fleet.host('lana').exec(damage);
    const before = fleet.host('lana').snapshot();
    const checked = await site.report(['check', ...RUN]);
    expect(checked.hosts).toEqual({ lana: 'changed', lanb: 'ok' });
    expect(checked.tasks('lana', 'changed')).toEqual(tasks);
    expect(checked.code).toBe(2);
    expect(fleet.host('lana').snapshot()).toEqual(before);
    const applied = await site.report(['apply', ...RUN, '--yes']);
    expect(applied.tasks('lana', 'changed')).toEqual(tasks);
    expect(applied.code).toBe(0);
    expect(await policies()).toBe(6);
    expect((await site.report(['check', ...RUN])).code).toBe(0);
  });

  test('fails, and says so, when ifup exits 0 and nothing came up', async () => {
    const { exec, fault, unfault } = fleet.host('lana');
    await exec('ifdown ipsec0');
    fault('ifup-silent');
    const { code, document } = await site.report(['apply', ...RUN, '--yes']);
    unfault('ifup-silent');
    expect(code).toBe(4);
    const failed = document.hosts.lana?.tasks.find(({ status }) => status === 'failed');
    expect(failed).toMatchObject({ name: 'ifup ipsec0', error: { message: expect.stringContaining('setkey -DP') } });
    expect((await site.report(['apply', ...RUN, '--yes'])).code).toBe(0);
    expect(await policies()).toBe(6);
  });

  test('with activation none is given the files and left alone otherwise; a later apply goes on from there', async () => {
    site.edit('inventory/tunnels.yml', 'r3dh4tl1nux', 'Key-without-activation');
    site.edit('playbooks/site.yml', 'activation: auto', 'activation: none');
    await fleet.host('lana').exec(': > /var/log/messages');
    expect((await site.report(['apply', ...RUN, '--yes'])).hosts).toEqual({ lana: 'changed', lanb: 'changed' });
    expect(fleet.host('lana').read('var/log/messages')).toBe('');
    expect(fleet.host('lana').read(`${SCRIPTS}/keys-ipsec0`)).toBe('IKE_PSK=Key-without-activation\n');
    site.edit('playbooks/site.yml', 'activation: none', 'activation: auto');
    expect((await site.report(['apply', ...RUN, '--yes'])).code).toBe(0);
    expect((await site.report(['check', ...RUN])).code).toBe(0);
  });

  test('with activation network-restart has every change followed by one', async () => {
    site.edit('inventory/tunnels.yml', 'Key-without-activation', 'Key-with-restart');
    site.edit('playbooks/site.yml', 'activation: auto', 'activation: network-restart');
    await fleet.host('lana').exec(': > /var/log/messages');
    const { hosts, tasks } = await site.report(['apply', ...RUN, '--yes']);
    expect(hosts).toEqual({ lana: 'changed', lanb: 'changed' });
    expect(tasks('lana', 'changed')).toContain('service network restart');
    expect(fleet.host('lana').read('var/log/messages')).toMatch(/^service network restart$/m);
    expect(await policies()).toBe(6);
    expect((await site.report(['check', ...RUN])).code).toBe(0);
    site.edit('playbooks/site.yml', 'activation: network-restart', 'activation: auto');
  });

  test('by certificate comes up once the certificates are there', async () => {
    site.edit(
      'inventory/tunnels.yml',
      'keying:\n      psk: Key-with-restart',
      'keying:\n      x509: { certificates: { lana: lana, lanb: lanb }, peer: file }',
    );
    const blocked = await site.report(['apply', ...RUN, '--yes']);
    expect(blocked.code).toBe(4);
    expect(blocked.hosts.lana).toMatch(/certificate/);
    expect(fleet.host('lana').read(`${SCRIPTS}/keys-ipsec0`)).toBe('IKE_PSK=Key-with-restart\n');
    for (const name of ['lana', 'lanb']) {
      await fleet
        .host(name)
        .exec(`cd ${CERTS}; umask 077; for one in lana lanb; do echo x > $one.public; done; echo x > ${name}.private`);
    }
    const applied = await site.report(['apply', ...RUN, '--yes']);
    expect(applied.hosts).toEqual({ lana: 'changed', lanb: 'changed' });
    const { read } = fleet.host('lana');
    expect(read(`${SCRIPTS}/ifcfg-ipsec0`)).toMatch(
      /^IKE_METHOD=X509$[\s\S]*^IKE_CERTFILE=lana$[\s\S]*^IKE_PEER_CERTFILE=lanb$/m,
    );
    expect(read(`${SCRIPTS}/keys-ipsec0`)).toBeNull();
    expect(read('etc/racoon/203.0.113.2.conf')).toContain('certificate_type x509 "lana.public" "lana.private";');
    expect(await policies()).toBe(6);
    expect((await site.report(['check', ...RUN])).code).toBe(0);
  });
});
