import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import { type Workspace, workspace } from '../support/fleet-workspace.ts';

const SCRIPTS = 'etc/sysconfig/network-scripts';

describe.skipIf(!canRunFleet())('a tunnel that changes', () => {
  let fleet: Fleet;
  let site: Workspace;
  const ONLY = ['playbooks/site.yml', '--limit', 'routers'];
  const apply = () => site.report(['apply', ...ONLY, '--yes']);
  const kernel = async (host: string) => (await fleet.host(host).exec('setkey -DP; ip route list')).stdout;
  const log = (host: string) =>
    (fleet.host(host).read('var/log/messages') ?? '').split('\n').filter((line) => /^if(up|down) ipsec/.test(line));

  beforeAll(async () => {
    fleet = await startFleet({
      hosts: [
        { name: 'lana', address: '203.0.113.1', lan: '192.168.1.254/24' },
        { name: 'lanb', address: '203.0.113.2', lan: '192.168.2.254/24' },
      ],
    });
    site = workspace(fleet, 'shipped');
    expect((await apply()).hosts).toEqual({ lana: 'changed', lanb: 'changed' });
    // What ifdown finds is kept, to be looked at.
    for (const name of ['lana', 'lanb']) {
      await fleet
        .host(name)
        .exec(`sed -i '1a cp -p ifcfg-ipsec? keys-ipsec? /root/' /${SCRIPTS}/ifdown-ipsec; : > /var/log/messages`);
    }
  });
  afterAll(() => fleet?.stop());

  test('a new key shows on both ends as the same fingerprint, and never as itself', async () => {
    site.edit('inventory/tunnels.yml', 'r3dh4tl1nux', 'Another-Key-2');
    const { code, stdout, stderr, diff } = await site.report(['check', ...ONLY]);
    expect(code).toBe(2);
    const [lana, lanb] = [diff('lana', `/${SCRIPTS}/keys-ipsec0`), diff('lanb', `/${SCRIPTS}/keys-ipsec1`)];
    expect(lana.after).toMatch(/^IKE_PSK=\S+\n$/);
    expect(lana.after).toBe(lanb.after);
    expect(lana.before).toBe(lanb.before);
    expect(lana.before).not.toBe(lana.after);
    const human = await site.run(['check', ...ONLY]);
    expect(human.code).toBe(2);
    for (const text of [stdout, stderr, human.stdout, human.stderr])
      expect(text).not.toMatch(/r3dh4tl1nux|Another-Key-2/);
    const shown = human.stdout.split('\n').filter((line) => /^ +[+-]IKE_PSK=fp:[0-9a-f]+$/.test(line));
    expect(shown).toHaveLength(4);
    expect(new Set(shown)).toHaveProperty('size', 2);
  });

  test('ifdown runs with the old files, ifup with the new', async () => {
    const { code, hosts, tasks } = await apply();
    expect(hosts).toEqual({ lana: 'changed', lanb: 'changed' });
    expect(code).toBe(0);
    expect(log('lana')).toEqual(['ifdown ipsec0', 'ifup ipsec0']);
    expect(log('lanb')).toEqual(['ifdown ipsec1', 'ifup ipsec1']);
    expect(fleet.host('lana').read('root/keys-ipsec0')).toBe('IKE_PSK=r3dh4tl1nux\n');
    expect(fleet.host('lana').read(`${SCRIPTS}/keys-ipsec0`)).toBe('IKE_PSK=Another-Key-2\n');
    expect(fleet.host('lanb').read('etc/racoon/psk.txt')).toMatch(/^203\.0\.113\.1\s+Another-Key-2$/m);
    expect(tasks('lana', 'changed')).not.toContain('service network restart');
    expect((await apply()).hosts).toEqual({ lana: 'ok', lanb: 'ok' });
  });

  test('of a network that changes no old policy and no old route stays', async () => {
    expect(await kernel('lana')).toContain('192.168.2.0/24');
    site.edit(
      'inventory/tunnels.yml',
      '192.168.2.0/24, gateway: 192.168.2.254',
      '192.168.3.0/24, gateway: 192.168.3.254',
    );
    const { code, hosts } = await apply();
    expect(hosts).toEqual({ lana: 'changed', lanb: 'changed' });
    expect(code).toBe(0);
    expect(fleet.host('lana').read('root/ifcfg-ipsec0')).toContain('DSTNET=192.168.2.0/24');
    for (const name of ['lana', 'lanb']) {
      const [policies = ''] = (await kernel(name)).split('203.0.113.0/24 dev');
      expect(policies).toContain('192.168.3.0/24');
      expect(policies).not.toContain('192.168.2.0/24');
    }
    const routes = (await fleet.host('lana').exec('ip route list')).stdout;
    expect(routes).toContain('192.168.3.0/24 via 192.168.1.254');
    expect(routes).not.toContain('192.168.2.0/24');
    expect((await apply()).hosts).toEqual({ lana: 'ok', lanb: 'ok' });
  });

  test('phase 1 that changes reaches the file that ifup writes', async () => {
    site.edit(
      'inventory/tunnels.yml',
      'psk: Another-Key-2\n',
      'psk: Another-Key-2\n    ike: { encryption: aes, hash: md5, dh_group: 5 }\n',
    );
    expect((await apply()).hosts).toEqual({ lana: 'changed', lanb: 'changed' });
    const phase1 = fleet.host('lana').read('etc/racoon/203.0.113.2.conf');
    expect(phase1).toMatch(
      /encryption_algorithm aes;\s+hash_algorithm md5;\s+authentication_method pre_shared_key;\s+dh_group 5;/,
    );
  });

  test('what was edited on the host by hand is put right', async () => {
    const { exec, read } = fleet.host('lana');
    const before = read(`${SCRIPTS}/ifcfg-ipsec0`);
    await exec(
      `sed -i s/IKE_AUTH=md5/IKE_AUTH=sha1/ /${SCRIPTS}/ifcfg-ipsec0; chmod 0644 /${SCRIPTS}/keys-ipsec0 /etc/racoon/psk.txt`,
    );
    const checked = await site.report(['check', ...ONLY]);
    expect(checked.hosts).toEqual({ lana: 'changed', lanb: 'ok' });
    expect((await apply()).hosts).toEqual({ lana: 'changed', lanb: 'ok' });
    expect(read(`${SCRIPTS}/ifcfg-ipsec0`)).toBe(before);
    expect([fleet.host('lana').mode(`${SCRIPTS}/keys-ipsec0`), fleet.host('lana').mode('etc/racoon/psk.txt')]).toEqual([
      '0600',
      '0600',
    ]);
  });

  test('what somebody else wrote into the shared files stays', async () => {
    await fleet
      .host('lana')
      .exec('echo "198.51.100.77 theirs" >> /etc/racoon/psk.txt; echo "vm.swappiness = 10" >> /etc/sysctl.conf');
    expect((await apply()).hosts).toEqual({ lana: 'ok', lanb: 'ok' });
    site.edit('inventory/tunnels.yml', 'Another-Key-2', 'Third-Key-3');
    expect((await apply()).hosts).toEqual({ lana: 'changed', lanb: 'changed' });
    expect(fleet.host('lana').read('etc/racoon/psk.txt')).toMatch(/^198\.51\.100\.77 theirs$/m);
    expect(fleet.host('lana').read('etc/sysctl.conf')).toMatch(/^vm\.swappiness = 10$/m);
  });

  test('an absent tunnel leaves nothing behind, and is taken down before its files go', async () => {
    site.edit('inventory/tunnels.yml', 'psk: Third-Key-3\n', 'psk: Third-Key-3\n    state: absent\n');
    const { code, hosts, tasks } = await apply();
    expect(hosts).toEqual({ lana: 'changed', lanb: 'changed' });
    expect(code).toBe(0);
    const order = tasks('lana', 'changed');
    const trace = [/^ifdown ipsec0/, /ifcfg-ipsec0/, /keys-ipsec0/, /psk\.txt/, /203\.0\.113\.2\.conf/];
    const places = trace.map((pattern) => order.findIndex((name) => pattern.test(name)));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    for (const [name, peer, nick] of [
      ['lana', '203.0.113.2', 'ipsec0'],
      ['lanb', '203.0.113.1', 'ipsec1'],
    ] as const) {
      const { read, exec } = fleet.host(name);
      const left = await exec(
        `ls /${SCRIPTS} /etc/racoon /var/lib/ipsec-play/pending; cat /etc/racoon/racoon.conf /etc/racoon/psk.txt; setkey -DP`,
      );
      expect(left.stdout).not.toMatch(new RegExp(`${nick}\\b|${peer}|192\\.168\\.`));
      expect(left.stdout).not.toMatch(/ ipsec$|\/require/m);
      expect((await exec('ip route list')).stdout).not.toContain('via');
      expect(read('etc/racoon/racoon.conf')).toContain('sainfo anonymous');
    }
    expect(fleet.host('lana').read('etc/racoon/psk.txt')).toMatch(/^198\.51\.100\.77 theirs$/m);
    const again = await apply();
    expect(again.hosts).toEqual({ lana: 'ok', lanb: 'ok' });
    expect(again.code).toBe(0);
  });
});

describe.skipIf(!canRunFleet())('peers of which one address begins with the other, on RHEL 5', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({
      hosts: [
        { name: 'centre', address: '10.0.0.100' },
        { name: 'one', address: '10.0.0.1' },
        { name: 'ten', address: '10.0.0.10' },
      ],
    });
  });
  afterAll(() => fleet?.stop());

  test('all keys are there after an apply, a restart of the network, and an apply of one tunnel alone', async () => {
    const site = workspace(fleet, 'shipped');
    site.write(
      'inventory/hosts.yml',
      'all: { hosts: { centre: { ansible_host: 10.0.0.100 }, one: { ansible_host: 10.0.0.1 }, ten: { ansible_host: 10.0.0.10 } }, vars: { ansible_user: root } }\n',
    );
    site.write(
      'inventory/tunnels.yml',
      `tunnels:
  centre-one: { type: host-to-host, ends: { centre: { nickname: ipsec1 }, one: { nickname: ipsec0 } }, keying: { psk: Key-One-1 }, onboot: true }
  centre-ten: { type: host-to-host, ends: { centre: { nickname: ipsec10 }, ten: { nickname: ipsec0 } }, keying: { psk: Key-Ten-10 }, onboot: true }
`,
    );
    const { exec, read } = fleet.host('centre');
    await exec("yum -y install ipsec-tools; echo '10.0.0.12 theirs' >> /etc/racoon/psk.txt");
    const keys = () =>
      (read('etc/racoon/psk.txt') ?? '')
        .split('\n')
        .filter((line) => /^\d/.test(line))
        .map((line) => line.replace(/\s+/, ' '))
        .sort();
    const wanted = ['10.0.0.1 Key-One-1', '10.0.0.10 Key-Ten-10', '10.0.0.12 theirs'];

    const checked = await site.run(['check', 'playbooks/site.yml']);
    expect(checked.code).toBe(2);
    const first = await site.report(['apply', 'playbooks/site.yml', '--yes']);
    expect(first.hosts).toEqual({ centre: 'changed', one: 'changed', ten: 'changed' });
    expect(first.code).toBe(0);
    expect(keys()).toEqual(wanted);
    expect((await site.report(['apply', 'playbooks/site.yml', '--yes'])).hosts).toEqual({
      centre: 'ok',
      one: 'ok',
      ten: 'ok',
    });

    // The host's own scripts spoil it again; a check tells, an apply puts it right.
    await exec('ifup ipsec1');
    expect(keys()).toEqual(['10.0.0.1 Key-One-1']);
    expect((await site.report(['check', 'playbooks/site.yml'])).hosts.centre).toBe('changed');
    expect((await site.report(['apply', 'playbooks/site.yml', '--yes'])).code).toBe(0);
    expect(keys()).toEqual(wanted.slice(0, 2));

    site.edit('inventory/tunnels.yml', 'Key-One-1', 'Key-One-2');
    expect((await site.report(['apply', 'playbooks/site.yml', '--yes'])).hosts).toEqual({
      centre: 'changed',
      one: 'changed',
      ten: 'ok',
    });
    expect(keys()).toEqual(['10.0.0.1 Key-One-2', '10.0.0.10 Key-Ten-10']);
  });
});
