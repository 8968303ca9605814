import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../support/fleet-workspace.ts';
import { needs } from '../support/needs.ts';
import { KERNEL_NEEDS, type KernelLab, startKernelLab } from './kernel-lab.ts';
import { LIMIT, onEach, verify } from './observe.ts';

/** The router lana has its LAN on the device of its outside address; pinky is a machine of that LAN. */
describe.skipIf(!needs(...KERNEL_NEEDS))('a router with one device in a real kernel', () => {
  let lab: KernelLab;
  let site: Workspace;

  beforeAll(async () => {
    lab = await startKernelLab([
      { name: 'lana', address: '198.51.100.1' },
      { name: 'lanb', address: '198.51.100.2', lan: '192.168.2.254/24' },
      { name: 'pinky', address: '198.51.100.3' },
    ]);
    site = workspace(lab);
    site.write('inventory/hosts.yml', HOSTS);
    site.write('inventory/tunnels.yml', TUNNELS);
    site.write(
      'site.yml',
      '- hosts: all\n  tasks:\n    - name: tunnels\n      ipsec_tunnels: { activation: tunnel }\n',
    );
    await onEach(lab, {
      lana: 'ip addr add 192.168.1.254/24 dev eth0; sysctl -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0',
      pinky: `ip addr add 192.168.1.7/24 dev eth0; ip route add 192.168.2.0/24 via 192.168.1.254 src 192.168.1.7
        ping -i 0.2 192.168.2.10 > /tmp/pings 2>&1 &`,
    });
  }, LIMIT.timeout);
  afterAll(() => lab?.stop());

  test('apply proves its tunnel, though the LAN sends in clear to that device what it encrypts', LIMIT, async () => {
    const ran = await site.run(['apply', 'site.yml', '--yes', '--no-diff'], { proven: true, ...LIMIT });
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(PROVEN) });
    expect(await lab.said('pinky', 'grep -c "bytes from 192.168.2.10" /tmp/pings')).toMatch(/^[1-9]/);
    // What tcpdump shows there to who does not ask for what leaves.
    const seen = await lab.said('lana', 'timeout 5 tcpdump -p -n -c 5 -i eth0 dst net 192.168.2.0/24 2>/dev/null');
    expect(seen.match(/ 192\.168\.1\.7 > 192\.168\.2\.10: ICMP echo request/g)?.length).toBe(5);
    expect((await verify(site)).causes).toEqual({ 'lana-lanb': null });
  });

  test.each([
    ["a LAN machine's", '192.168.1.7', '192.168.2.10', '192.168.1.0/25 192.168.2.0/25'],
    ['its own', '192.168.1.254', '192.168.2.254', '192.168.1.128/25 192.168.2.128/25'],
  ])('verify finds %s packets, which leave in clear', LIMIT, async (_, from, to, traffic) => {
    const passes = (command: string) => `echo '${command} ${traffic} icmp -P out none;' | setkey -c`;
    // Of two for the same packet the older one counts.
    await lab.said('lana', `ifdown ipsec0; ${passes('spdadd')}; ifup ipsec0; ip route replace ${CLEAR}`);
    const { code, tunnels } = await verify(site, '--patience', '8');
    const [, verdict] = tunnels[0] ?? [];
    expect([code, verdict?.cause]).toEqual([
      6,
      expect.objectContaining({
        code: 'clear-text',
        message: `lana sends packets for 192.168.2.0/24 in clear (${from} to ${to})`,
      }),
    ]);
    await lab.said('lana', `${passes('spddelete')}; ip route del ${CLEAR}; ifdown ipsec0; ifup ipsec0`);
    expect((await verify(site)).causes).toEqual({ 'lana-lanb': null });
  });
});

const PROVEN = /lana-lanb +proven +ESP inside AH with the SPIs of the SAs, .* nothing in clear/;

const CLEAR = '192.168.2.0/24 via 198.51.100.2 src 192.168.1.254';

const HOSTS = `all:
  hosts:
    lana: { ansible_host: 198.51.100.1 }
    lanb: { ansible_host: 198.51.100.2 }
  vars:
    ansible_user: root
`;

const TUNNELS = `tunnels:
  lana-lanb:
    type: network-to-network
    ends:
      lana: { nickname: ipsec0, address: 198.51.100.1, network: 192.168.1.0/24, gateway: 192.168.1.254 }
      lanb: { nickname: ipsec1, address: 198.51.100.2, network: 192.168.2.0/24, gateway: 192.168.2.254 }
    keying:
      psk: r3dh4tl1nux
    onboot: true
`;
