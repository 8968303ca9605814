import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import { type Workspace, workspace } from '../support/fleet-workspace.ts';

const INCLUDE = 'include "/etc/racoon/203.0.113.2.conf";';

/** Without its include line racoon knows no phase 1 for the peer, and no SA comes up any more. */
describe.skipIf(!canRunFleet())('two tunnels to one peer share its phase 1', () => {
  let fleet: Fleet;
  let site: Workspace;
  const apply = () => site.report(['apply', 'playbooks/site.yml', '--yes']);
  const racoonConf = () => (fleet.host('lana').read('etc/racoon/racoon.conf') ?? '').split('\n');
  const tunnels = (first: string, second: string) => `tunnels:
  first:
    type: network-to-network
    ends:
      lana: { nickname: ipsec0, network: 192.168.1.0/24, gateway: 192.168.1.254 }
      lanb: { nickname: ipsec0, network: 192.168.2.0/24, gateway: 192.168.2.254 }
    keying: { psk: ${first} }
  second:
    type: network-to-network
    ends:
      lana: { nickname: ipsec1, network: 192.168.11.0/24, gateway: 192.168.11.254 }
      lanb: { nickname: ipsec1, network: 192.168.12.0/24, gateway: 192.168.12.254 }
    keying: { psk: ${second} }
`;

  beforeAll(async () => {
    fleet = await startFleet({
      hosts: [
        { name: 'lana', address: '203.0.113.1', lan: '192.168.1.254/24' },
        { name: 'lanb', address: '203.0.113.2', lan: '192.168.2.254/24' },
      ],
    });
    site = workspace(fleet, 'shipped');
    site.write(
      'inventory/hosts.yml',
      'all: { hosts: { lana: { ansible_host: 203.0.113.1 }, lanb: { ansible_host: 203.0.113.2 } }, vars: { ansible_user: root } }\n',
    );
  });
  afterAll(() => fleet?.stop());

  beforeEach(async () => {
    site.write('inventory/tunnels.yml', `defaults: { onboot: true }\n${tunnels('Key_1', 'Key_1')}`);
    expect((await apply()).code).toBe(0);
    expect(racoonConf().filter((line) => line.startsWith('include'))).toEqual([INCLUDE]);
  });

  test('a new key of both is on the host once, and both come up again', async () => {
    site.write('inventory/tunnels.yml', `defaults: { onboot: true }\n${tunnels('Key_2', 'Key_2')}`);
    expect((await apply()).hosts).toEqual({ lana: 'changed', lanb: 'changed' });
    expect(
      fleet
        .host('lana')
        .read('etc/racoon/psk.txt')
        ?.match(/^203\.0\.113\.2\s.*$/gm),
    ).toEqual(['203.0.113.2  Key_2']);
    expect((await fleet.host('lana').exec('setkey -DP')).stdout.match(/\/require/g)).toHaveLength(12);
    expect(racoonConf()).toContain(INCLUDE);
  });

  test('what ifdown of one takes away from the other is put right when the one is removed', async () => {
    site.edit('inventory/tunnels.yml', 'keying: { psk: Key_1 }\n', 'keying: { psk: Key_1 }\n    state: absent\n');
    expect((await apply()).code).toBe(0);
    const { exec, read } = fleet.host('lana');
    expect((await exec('setkey -DP')).stdout).toContain('192.168.12.0/24');
    expect((await exec('setkey -DP')).stdout).not.toContain('192.168.2.0/24');
    expect(read('etc/racoon/203.0.113.2.conf')).toContain('remote 203.0.113.2');
    expect(read('etc/racoon/psk.txt')).toMatch(/^203\.0\.113\.2\s+Key_1$/m);
    expect(racoonConf()).toContain(INCLUDE);
    expect((await apply()).hosts).toEqual({ lana: 'ok', lanb: 'ok' });
  });

  test('also when the play names the removed one alone', async () => {
    site.edit('inventory/tunnels.yml', 'keying: { psk: Key_1 }\n', 'keying: { psk: Key_1 }\n    state: absent\n');
    site.write('first.yml', '- name: One\n  hosts: all\n  tasks:\n    - ipsec_tunnels: { tunnels: first }\n');
    const removed = await site.report(['apply', 'first.yml', '--yes']);
    expect(removed.hosts).toEqual({ lana: 'changed', lanb: 'changed' });
    expect(racoonConf()).toContain(INCLUDE);
    expect((await fleet.host('lana').exec('setkey -DP')).stdout).toContain('192.168.12.0/24');
  });

  test('a racoon.conf that is gone comes back with what ifup adds to it', async () => {
    await fleet.host('lana').exec('rm /etc/racoon/racoon.conf');
    expect((await apply()).hosts).toEqual({ lana: 'changed', lanb: 'ok' });
    expect(racoonConf()).toContain(INCLUDE);
    expect((await apply()).hosts).toEqual({ lana: 'ok', lanb: 'ok' });
  });
});
