import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import { type Workspace, workspace } from '../support/fleet-workspace.ts';

const SCRIPTS = 'etc/sysconfig/network-scripts';

/** The chapters' racoon.conf, its include line being ifup's. */
const racoonConf = (peer: string) => `# Racoon IKE daemon configuration file.
# See 'man racoon.conf' for a description of the format and entries.

path include "/etc/racoon";
path pre_shared_key "/etc/racoon/psk.txt";
path certificate "/etc/racoon/certs";

sainfo anonymous
{
\tpfs_group 2;
\tlifetime time 1 hour ;
\tencryption_algorithm 3des, blowfish 448, rijndael ;
\tauthentication_algorithm hmac_sha1, hmac_md5 ;
\tcompression_algorithm deflate ;
}
include "/etc/racoon/${peer}.conf";
`;

const hostToHost = (peer: string, onboot: string) => `DST=${peer}\nTYPE=IPSEC\nONBOOT=${onboot}\nIKE_METHOD=PSK\n`;
const networkToNetwork = (own: number, other: number, peer: string) =>
  `TYPE=IPSEC\nONBOOT=yes\nIKE_METHOD=PSK\nSRCGW=192.168.${own}.254\nDSTGW=192.168.${other}.254\n` +
  `SRCNET=192.168.${own}.0/24\nDSTNET=192.168.${other}.0/24\nDST=${peer}\n`;

/** What each end has when all is applied. */
const PSK_ENDS = [
  { host: 'pinky', nick: 'ipsec1', peer: '198.51.100.2', key: 'Key_Value01', ifcfg: hostToHost('198.51.100.2', 'no') },
  { host: 'ijin', nick: 'ipsec1', peer: '198.51.100.1', key: 'Key_Value01', ifcfg: hostToHost('198.51.100.1', 'no') },
  {
    host: 'workstation-a',
    nick: 'ipsec0',
    peer: '198.51.100.12',
    key: 'foobarbaz',
    ifcfg: hostToHost('198.51.100.12', 'yes'),
  },
  {
    host: 'workstation-b',
    nick: 'ipsec0',
    peer: '198.51.100.11',
    key: 'foobarbaz',
    ifcfg: hostToHost('198.51.100.11', 'yes'),
  },
  {
    host: 'lana',
    nick: 'ipsec0',
    peer: '203.0.113.2',
    key: 'r3dh4tl1nux',
    ifcfg: networkToNetwork(1, 2, '203.0.113.2'),
  },
  {
    host: 'lanb',
    nick: 'ipsec1',
    peer: '203.0.113.1',
    key: 'r3dh4tl1nux',
    ifcfg: networkToNetwork(2, 1, '203.0.113.1'),
  },
];

const HOSTS = [
  { name: 'pinky', address: '198.51.100.1' },
  { name: 'ijin', address: '198.51.100.2' },
  { name: 'workstation-a', address: '198.51.100.11' },
  { name: 'workstation-b', address: '198.51.100.12' },
  { name: 'store-a', address: '198.51.100.21' },
  { name: 'store-b', address: '198.51.100.22' },
  { name: 'lana', address: '203.0.113.1', lan: '192.168.1.254/24' },
  { name: 'lanb', address: '203.0.113.2', lan: '192.168.2.254/24' },
];
const NAMES = HOSTS.map(({ name }) => name);

describe.skipIf(!canRunFleet())('the shipped site on real SSH servers', () => {
  let fleet: Fleet;
  let site: Workspace;
  const snapshots = () => NAMES.map((name) => fleet.host(name).snapshot());
  const all = (status: string) => Object.fromEntries(NAMES.map((name) => [name, status]));

  beforeAll(async () => {
    fleet = await startFleet({ hosts: HOSTS });
    site = workspace(fleet, 'shipped');
  });
  afterAll(() => fleet?.stop());

  test('check says what would change, and writes nothing', async () => {
    const before = snapshots();
    const { code, hosts } = await site.report(['check', 'playbooks/site.yml']);
    expect(hosts).toEqual(all('changed'));
    expect(code).toBe(2);
    expect(snapshots()).toEqual(before);
  });

  test('apply brings every host there', async () => {
    const sysctl = fleet.host('lana').read('etc/sysctl.conf');
    const { code, hosts } = await site.report(['apply', 'playbooks/site.yml', '--yes']);
    expect(hosts).toEqual(all('changed'));
    expect(code).toBe(0);
    expect(fleet.host('lana').read('etc/sysctl.conf')).toBe(sysctl?.replace('ip_forward = 0', 'ip_forward = 1'));
    expect(fleet.host('pinky').read('etc/sysctl.conf')).toBe(sysctl);
  });

  test.each(PSK_ENDS)('$host has the files of the chapter', ({ host, nick, peer, key, ifcfg }) => {
    const { read, mode } = fleet.host(host);
    expect(read(`${SCRIPTS}/ifcfg-${nick}`)).toBe(ifcfg);
    expect(mode(`${SCRIPTS}/ifcfg-${nick}`)).toBe('0644');
    expect(read(`${SCRIPTS}/keys-${nick}`)).toBe(`IKE_PSK=${key}\n`);
    expect(mode(`${SCRIPTS}/keys-${nick}`)).toBe('0600');
    expect(read('etc/racoon/racoon.conf')).toBe(racoonConf(peer));
    expect(mode('etc/racoon/racoon.conf')).toBe('0600');
    expect(
      read('etc/racoon/psk.txt')
        ?.split('\n')
        .filter((line) => /^\d/.test(line)),
    ).toEqual([`${peer}  ${key}`]);
    expect(mode('etc/racoon/psk.txt')).toBe('0600');
    expect(read(`etc/racoon/${peer}.conf`)).toContain(`remote ${peer}`);
  });

  test('the manual ends have their keys, each the other way round, and no racoon', () => {
    const { read, mode } = fleet.host('store-a');
    expect(read(`${SCRIPTS}/ifcfg-ipsec2`)).toBe(
      'DST=198.51.100.22\nTYPE=IPSEC\nONBOOT=yes\nSPI_AH_IN=0x300\nSPI_AH_OUT=0x200\nSPI_ESP_IN=0x301\nSPI_ESP_OUT=0x201\n',
    );
    expect(read(`${SCRIPTS}/keys-ipsec2`)).toBe(
      [
        'KEY_AH_IN=0xb3760f5de1c8429a3d94e7120a5f6b8c97f401e2',
        'KEY_AH_OUT=0x2f1c9b0e6a4d83577de0b8c1943fa62510cb7e98',
        'KEY_ESP_IN=0x4b97f06e2d1ac5830fe6925bd478a13cb2805ce71f4d936a',
        'KEY_ESP_OUT=0x8e3a1d5c72f0b946c7581f2be09d6a34135fa87b2ce4d069',
        'KEY_AESP_IN=0xd80e5a4c3172f69b4ea1c70d23985fb61c7e40a5',
        'KEY_AESP_OUT=0x61d40ba97c35e8f21807be4a5d93c60f7e2b41d8',
        '',
      ].join('\n'),
    );
    expect(mode(`${SCRIPTS}/keys-ipsec2`)).toBe('0600');
    expect(read('etc/racoon/psk.txt')).not.toContain('198.51.100.22');
  });

  test('the kernels have the policies, and with manual keys the associations', async () => {
    const lana = (await fleet.host('lana').exec('setkey -DP; ip route list')).stdout;
    for (const direction of ['out', 'in', 'fwd']) {
      const [from, to, src, dst] = direction === 'out' ? [1, 2, 1, 2] : [2, 1, 2, 1];
      expect(lana).toMatch(
        new RegExp(
          `192\\.168\\.${from}\\.0/24\\[any\\] 192\\.168\\.${to}\\.0/24\\[any\\] any\\s+${direction} (prio \\S+ )?ipsec\\s+` +
            `esp/tunnel/203\\.0\\.113\\.${src}-203\\.0\\.113\\.${dst}/require\\s+ah/tunnel/203\\.0\\.113\\.${src}-203\\.0\\.113\\.${dst}/require`,
        ),
      );
    }
    expect(lana).toContain('192.168.2.0/24 via 192.168.1.254 dev eth1');
    const store = (await fleet.host('store-a').exec('setkey -D')).stdout;
    expect(store.match(/state=mature/g)).toHaveLength(4);
    expect(store).toMatch(/198\.51\.100\.21 198\.51\.100\.22\s+ah mode=\S+ spi=512\(0x00000200\)/);
    expect((await fleet.host('pinky').exec('setkey -DP')).stdout).toContain('esp/transport//require');
  });

  test('a second time there is nothing to do', async () => {
    const before = snapshots();
    const applied = await site.report(['apply', 'playbooks/site.yml', '--yes']);
    expect(applied.hosts).toEqual(all('ok'));
    expect(applied.code).toBe(0);
    const checked = await site.report(['check', 'playbooks/site.yml']);
    expect(checked.hosts).toEqual(all('ok'));
    expect(checked.code).toBe(0);
    expect(snapshots()).toEqual(before);
  });

  test('nor after a reboot', async () => {
    await Promise.all(['pinky', 'workstation-a', 'store-a', 'lana'].map((name) => fleet.reboot(name)));
    expect((await fleet.host('lana').exec('sysctl -n net.ipv4.ip_forward; ip route list')).stdout).toMatch(
      /^1\n(.*\n)*192\.168\.2\.0/,
    );
    const before = snapshots();
    const { code, hosts } = await site.report(['apply', 'playbooks/site.yml', '--yes']);
    expect(hosts).toEqual(all('ok'));
    expect(code).toBe(0);
    expect(snapshots()).toEqual(before);
  });

  test("nor with the chapters' own playbooks", async () => {
    for (const playbook of ['host-to-host', 'network-to-network']) {
      const { code, hosts } = await site.report(['apply', `playbooks/${playbook}.yml`, '--yes']);
      expect(Object.values(hosts)).toEqual(['ok', 'ok']);
      expect(code).toBe(0);
    }
  });
});
