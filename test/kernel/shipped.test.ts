import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Workspace, workspace } from '../support/fleet-workspace.ts';
import { needs } from '../support/needs.ts';
import type { KernelHost } from './host-files.ts';
import { KERNEL_NEEDS, type KernelLab, startKernelLab } from './kernel-lab.ts';
import { LIMIT, onEach, spis, verify } from './observe.ts';

/** Of the shipped inventory: the chapters' cases and the one with manual keys. */
const HOSTS: readonly KernelHost[] = [
  { name: 'pinky', address: '198.51.100.1' },
  { name: 'ijin', address: '198.51.100.2' },
  { name: 'store-a', address: '198.51.100.21' },
  { name: 'store-b', address: '198.51.100.22' },
  { name: 'lana', address: '203.0.113.1', lan: '192.168.1.254/24' },
  { name: 'lanb', address: '203.0.113.2', lan: '192.168.2.254/24' },
];
const NAMES = HOSTS.map(({ name }) => name);
const TUNNELS = ['pinky-ijin', 'lana-lanb', 'store-a-store-b'];
const ALL = ['--limit', NAMES.join(',')];

describe.skipIf(!needs(...KERNEL_NEEDS))('the shipped site in a real kernel', () => {
  let lab: KernelLab;
  let site: Workspace;

  beforeAll(async () => {
    lab = await startKernelLab(HOSTS);
    site = workspace(lab, 'shipped');
  }, LIMIT.timeout);
  afterAll(() => lab?.stop());

  test('apply brings it up by a restart of the network, and proves it', LIMIT, async () => {
    const ran = await site.run(['apply', 'playbooks/site.yml', ...ALL, '--yes', '--no-diff'], {
      proven: true,
      ...LIMIT,
    });
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('6 hosts changed and proven.') });
    for (const tunnel of TUNNELS) expect(ran.stdout).toMatch(new RegExp(`${tunnel} +proven +ESP inside AH .*in clear`));
    // ONBOOT=no: that one is for ifup alone.
    const restarted = NAMES.filter((host) => ran.stdout.includes(`[${host}] service network restart: changed`));
    expect(restarted).toEqual(['store-a', 'store-b', 'lana', 'lanb']);
  });

  test('what is imported from there is what is there', LIMIT, async () => {
    const imported = await site.run(['import', ...NAMES, '--out', 'taken-over', '--plain-keys'], LIMIT);
    expect(imported).toMatchObject({ code: 0 });
    for (const key of ['Key_Value01', 'r3dh4tl1nux', '0x8e3a1d5c72f0b946c7581f2be09d6a34135fa87b2ce4d069'])
      expect(site.read('taken-over/tunnels.yml')).toContain(key);
    const checked = await site.report(['check', 'playbooks/site.yml', '-i', 'taken-over'], LIMIT);
    expect(checked.hosts).toEqual(Object.fromEntries(NAMES.map((name) => [name, 'ok'])));
  });

  test('a change that does not work is taken back, and the old tunnel lives', LIMIT, async () => {
    const others = () => Promise.all([spis(lab, 'pinky', '198.51.100.2'), spis(lab, 'store-b', '198.51.100.21')]);
    const before = await others();
    const psk = { lana: 'cat /etc/racoon/psk.txt', lanb: 'cat /etc/racoon/psk.txt; cat /etc/racoon/racoon.conf' };
    const files = await onEach(lab, psk);
    site.edit('inventory/tunnels.yml', 'psk: r3dh4tl1nux', 'psk: Another-key-0815');
    site.write('inventory/host_vars/lanb.yml', 'racoon: { sainfo: { pfs_group: 5 } }\n');
    const ran = await site.run(['apply', 'playbooks/site.yml', '--limit', 'lana,lanb', '--yes', '--no-diff'], {
      proven: true,
      ...LIMIT,
    });
    expect(ran).toMatchObject({ code: 6, stdout: expect.stringContaining('pfs_group is 2 on lana and 5 on lanb') });
    expect(await onEach(lab, psk)).toEqual(files);
    site.edit('inventory/tunnels.yml', 'psk: Another-key-0815', 'psk: r3dh4tl1nux');
    site.write('inventory/host_vars/lanb.yml', '{}\n');
    expect((await verify(site, 'lana-lanb')).causes).toEqual({ 'lana-lanb': null });
    expect(await others()).toEqual(before.map((list) => expect.arrayContaining([...list])));
  });

  test('phase 1 edited, other networks, ICMP dropped', LIMIT, async () => {
    await onEach(lab, {
      ijin: `sed -i s/3des/aes/ ${PHASE1('198.51.100.1')}; ${RESTART_RACOON}`,
      lanb: `${SCRIPTS}; cp -p ifcfg-ipsec1 /root; ifdown ipsec1; sed -i s/192.168.2.0/192.168.3.0/ ifcfg-ipsec1; ifup ipsec1`,
      'store-b': 'iptables-legacy -A INPUT -p icmp -j DROP',
    });
    expect(await verify(site, ...TUNNELS, '--patience', '8')).toMatchObject({
      code: 6,
      causes: {
        'pinky-ijin': 'proposal-mismatch',
        'lana-lanb': 'selectors-not-mirrored',
        'store-a-store-b': 'no-traffic',
      },
    });
  });

  test(
    'racoon not told of its new files, AH missing in the policies, a policy that lets ICMP pass',
    LIMIT,
    async () => {
      await onEach(lab, {
        pinky: `sed -i s/3des/aes/ ${PHASE1('198.51.100.2')}; ${RESTART_RACOON}`,
        // What removes the file, as verify said, and an edit that racoon does not hear of.
        ijin: `rm ${PHASE1('198.51.100.1')}; ifup ipsec1; sed -i s/3des/aes/ ${PHASE1('198.51.100.1')}; touch -d '10 seconds' ${PHASE1('198.51.100.1')}`,
        lanb: `${SCRIPTS}; ifdown ipsec1; cp -p /root/ifcfg-ipsec1 .; echo AH_PROTO=none >> ifcfg-ipsec1; ifup ipsec1`,
        'store-a': `ifdown ipsec2; ${policy('spdadd', 'none')}; ifup ipsec2`,
        'store-b': 'iptables-legacy -F INPUT',
      });
      expect(await verify(site, ...TUNNELS, '--patience', '8')).toMatchObject({
        code: 6,
        causes: { 'pinky-ijin': 'racoon-stale', 'lana-lanb': 'policy-differs', 'store-a-store-b': 'clear-text' },
      });
    },
  );

  test('no route to the peer, a policy that has ICMP without AH; the others are well again', LIMIT, async () => {
    await onEach(lab, {
      pinky: 'ip route add unreachable 198.51.100.2',
      lanb: `${SCRIPTS}; ifdown ipsec1; cp -p /root/ifcfg-ipsec1 .; ifup ipsec1`,
      'store-a': `${policy('spddelete', 'none')}; ifdown ipsec2; ${policy('spdadd', 'ipsec esp/transport//require')}; ifup ipsec2`,
    });
    expect(await verify(site, ...TUNNELS, '--patience', '8')).toMatchObject({
      code: 6,
      causes: { 'pinky-ijin': 'peer-unreachable', 'lana-lanb': null, 'store-a-store-b': 'wrong-protocol' },
    });
  });
});

const SCRIPTS = 'cd /etc/sysconfig/network-scripts';
const PHASE1 = (peer: string) => `/etc/racoon/${peer}.conf`;

/** racoon takes its SAs with it. */
const RESTART_RACOON = 'killall racoon; while pidof racoon; do sleep 0.2; done; racoon';

/** Of two for the same packet the older one counts. */
const policy = (command: string, rule: string) =>
  `echo '${command} 198.51.100.21 198.51.100.22 icmp -P out ${rule};' | setkey -c`;
