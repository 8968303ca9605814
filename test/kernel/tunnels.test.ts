import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../support/fleet-workspace.ts';
import { needs } from '../support/needs.ts';
import { KERNEL_NEEDS, type KernelLab, startKernelLab } from './kernel-lab.ts';
import { LIMIT, onEach, spis, verify } from './observe.ts';
import { HOSTS, writeSite } from './site.ts';

describe.skipIf(!needs(...KERNEL_NEEDS))('tunnels in a real kernel', () => {
  let lab: KernelLab;
  let site: Workspace;

  beforeAll(async () => {
    lab = await startKernelLab(HOSTS);
    site = workspace(lab);
    writeSite(site);
  }, LIMIT.timeout);
  afterAll(() => lab?.stop());

  test('apply brings them up, and proves them', LIMIT, async () => {
    const ran = await site.run(['apply', 'site.yml', '--yes', '--no-diff'], { proven: true, ...LIMIT });
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('3 hosts changed and proven.') });
    for (const tunnel of ['lana-lanb', 'pinky-lanb', 'pinky-lana']) {
      expect(ran.stdout).toMatch(
        new RegExp(`${tunnel} +proven +ESP inside AH with the SPIs of the SAs, .* nothing in clear`),
      );
    }
  });

  test('verify sees AH and ESP on the wire, and how large a packet may be', LIMIT, async () => {
    const { code, tunnels } = await verify(site, '--mtu');
    expect(code).toBe(0);
    expect(tunnels.map(([name, { status, mtu }]) => [name, status, mtu]).sort()).toEqual([
      ['lana-lanb', 'proven', 1406],
      ['pinky-lana', 'proven', 1442],
      ['pinky-lanb', 'proven', 1442],
    ]);
  });

  test('a client behind a router reaches the other network', LIMIT, async () => {
    expect(await lab.inNetwork('lan-lana', 'ping -c 3 -w 10 192.168.2.10')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/ 0% packet loss/),
    });
  });

  test('rotate has a new key negotiated, and leaves the SAs of other tunnels alone', LIMIT, async () => {
    const kernel = async () => ({
      untouched: await Promise.all([spis(lab, 'pinky', ADDRESS.lanb), spis(lab, 'lanb', ADDRESS.pinky)]),
      rotated: await spis(lab, 'lana', ADDRESS.lanb),
    });
    const negotiations = async () =>
      Number(await lab.said('lana', `grep -c 'ISAKMP-SA established with ${ADDRESS.lanb}' /var/log/messages`));
    const [before, asked] = [await kernel(), await negotiations()];
    for (const list of [...before.untouched, before.rotated]) expect(list.length).toBeGreaterThanOrEqual(4);

    const ran = await site.run(['rotate', 'lana-lanb', 'pinky-lana', '--yes', '--no-diff'], LIMIT);
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/lana-lanb +proven[\s\S]*pinky-lana +proven/) });

    const after = await kernel();
    // Both ends may begin at once, which makes more than one of each.
    expect(after.untouched).toEqual(before.untouched.map((list) => expect.arrayContaining([...list])));
    expect(after.rotated.filter((spi) => before.rotated.includes(spi))).toEqual([]);
    expect(await negotiations()).toBeGreaterThan(asked);
    const written = site.read('inventory/tunnels.yml');
    expect(written).not.toMatch(/r3dh4tl1nux|2f1c9b0e6a4d83577de0b8c1943fa62510cb7e98/);
    const psk = /psk: "?([^\s"]+)/.exec(written)?.[1];
    expect(await onEach(lab, { lana: PSK(ADDRESS.lanb), lanb: PSK(ADDRESS.lana) })).toEqual([`${psk}\n`, `${psk}\n`]);
    const [, manual = ''] = /0x201\s+key: (0x\w+)/.exec(written) ?? [];
    for (const kernel of await onEach(lab, { pinky: 'ip xfrm state', lana: 'ip xfrm state' }))
      expect(kernel).toContain(`enc cbc(des3_ede) ${manual}`);
  });

  test('forwarding off, another manual key, another pre-shared key', LIMIT, async () => {
    await onEach(lab, {
      lana: 'sysctl -w net.ipv4.ip_forward=0',
      pinky: `${OTHER_KEY}; sed -i s/Key_Value01/Key_Value02/ /etc/racoon/psk.txt; ${RESTART_RACOON}`,
    });
    const { code, causes } = await verify(site, '--patience', '8');
    expect(causes).toEqual({
      'lana-lanb': 'forwarding-off',
      'pinky-lana': 'key-mismatch',
      'pinky-lanb': 'psk-differs',
    });
    expect(code).toBe(6);
    // What racoon says of it is read, too.
    expect(await lab.said('pinky', 'tail -n 3 /var/log/messages')).toContain('ERROR: HASH mismatched');
    await onEach(lab, {
      lana: 'sysctl -w net.ipv4.ip_forward=1',
      pinky: `sed -i s/Key_Value02/Key_Value01/ /etc/racoon/psk.txt; ifup ipsec2`,
    });
  });

  test('no route, AH dropped one way, UDP 500 blocked', LIMIT, async () => {
    await onEach(lab, {
      lana: `ip route del 192.168.2.0/24; ${DROP} ah -j DROP`,
      lanb: `${DROP} udp --dport 500 -j DROP`,
      pinky: RESTART_RACOON,
    });
    const { code, causes } = await verify(site, '--patience', '8');
    expect(causes).toEqual({
      'lana-lanb': 'route-missing',
      'pinky-lana': 'one-way',
      'pinky-lanb': 'udp-500-blocked',
    });
    expect(code).toBe(6);
    await onEach(lab, {
      lana: 'iptables-legacy -F INPUT; ip route add 192.168.2.0/24 via 192.168.1.254 src 192.168.1.254',
      lanb: 'iptables-legacy -F INPUT',
    });
  });

  test('a policy deleted, an SA deleted, racoon killed', LIMIT, async () => {
    await onEach(lab, {
      lana: 'echo "delete 198.51.100.3 198.51.100.1 esp 0x201;" | setkey -c',
      lanb: 'echo "spddelete 192.168.1.0/24 192.168.2.0/24 any -P in;" | setkey -c',
      pinky: 'killall racoon',
    });
    const { code, causes } = await verify(site, '--patience', '8');
    expect(causes).toEqual({
      'lana-lanb': 'policy-missing',
      'pinky-lana': 'spi-mismatch',
      'pinky-lanb': 'racoon-not-running',
    });
    expect(code).toBe(6);
    await onEach(lab, { lana: 'ifup ipsec2', lanb: 'ifup ipsec1', pinky: 'racoon' });
  });

  test('what is absent, and what prune removes, is gone from the kernel; the rest stands', LIMIT, async () => {
    const standing = await verify(site, 'lana-lanb');
    expect(standing.causes).toEqual({ 'lana-lanb': null });
    const kept = () => Promise.all([spis(lab, 'lana', ADDRESS.lanb), spis(lab, 'lanb', ADDRESS.lana)]);
    const before = await kept();
    const text = site.read('inventory/tunnels.yml');
    const pruned = text
      .slice(0, text.indexOf('  pinky-lana:'))
      .replace('onboot: false', 'onboot: false\n    state: absent');
    site.write('inventory/tunnels.yml', pruned);
    expect(await site.run(['prune', '--yes', '--no-diff'], LIMIT)).toMatchObject({ code: 0 });
    expect(await site.run(['apply', 'site.yml', '--yes', '--no-diff'], LIMIT)).toMatchObject({ code: 0 });

    // racoon's sockets have policies of their own.
    const [pinky, lana, lanb] = await onEach(lab, { pinky: LEFT, lana: LEFT, lanb: LEFT });
    expect(pinky).toBe('');
    expect(lana).toMatch(/^ifcfg-ipsec0\n198\.51\.100\.2\.conf\n198\.51\.100\.2 {2}.*\n/);
    expect(lanb).toMatch(/^ifcfg-ipsec1\n198\.51\.100\.1\.conf\n198\.51\.100\.1 {2}.*\n/);
    for (const host of [lana, lanb]) expect(host).not.toContain(ADDRESS.pinky);
    expect(await kept()).toEqual(before.map((list) => expect.arrayContaining([...list])));
    expect((await verify(site)).causes).toEqual({ 'lana-lanb': null });
  });
});

const ADDRESS = { lana: '198.51.100.1', lanb: '198.51.100.2', pinky: '198.51.100.3' };

const PSK = (peer: string) => `sed -n 's/^${peer}[[:blank:]]*//p' /etc/racoon/psk.txt`;

/** What there is of tunnels on a host: files, lines of psk.txt, SAs with keys, policies. */
const LEFT = `cd /etc/sysconfig/network-scripts; ls ifcfg-ipsec* 2>/dev/null; cd /etc/racoon; ls | grep '^[0-9]'; grep '^[0-9]' psk.txt
ip xfrm state | grep ^src; ip xfrm policy | grep '^src [1-9]' || :`;

const OTHER_KEY = `printf '%s\\n' 'delete 198.51.100.3 198.51.100.1 esp 0x201;' \\
  'add 198.51.100.3 198.51.100.1 esp 0x201 -E 3des-cbc 0x8e3a1d5c72f0b946c7581f2be09d6a34135fa87b2ce4d068 \\
  -A hmac-sha1 0x61d40ba97c35e8f21807be4a5d93c60f7e2b41d8;' | setkey -c`;

/** racoon takes its SAs with it. */
const RESTART_RACOON = 'killall racoon; while pidof racoon; do sleep 0.2; done; racoon';

const DROP = 'iptables-legacy -A INPUT -s 198.51.100.3 -p';
