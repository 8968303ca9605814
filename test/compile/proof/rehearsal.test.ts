import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ipsecTools } from '../../../src/compile/backends/ipsec-tools/index.ts';
import { prelude } from '../../../src/engine/prelude.ts';
import { render } from '../../../src/engine/sh.ts';
import { fileInventory } from '../../../src/inventory/files.ts';
import { loadInventory } from '../../../src/inventory/load-inventory.ts';
import { renderedVars } from '../../../src/inventory/rendered-vars.ts';
import { readTunnels } from '../../../src/inventory/tunnels/read-tunnels.ts';
import { type Lab, startLab } from '../../../src/lab/lab.ts';
import { perspectives, type Tunnel } from '../../../src/model/tunnel.ts';
import type { TunnelVerdict } from '../../../src/model/verdict.ts';
import { secretSources } from '../../../src/secrets/sources.ts';
import { connect, run } from '../../lab/ssh-client.ts';
import { type Project, shippedProject } from '../../support/cli.ts';
import { shells } from '../../support/shells.ts';

const { proof } = ipsecTools;
const OPTIONS = { patience: 1, wire: true, mtu: false, keyed: 'a nonce' };
const ADDRESSES: Readonly<Record<string, string>> = {
  lana: '203.0.113.1',
  lanb: '203.0.113.2',
  pinky: '198.51.100.1',
  ijin: '198.51.100.2',
  'store-a': '198.51.100.21',
  'store-b': '198.51.100.22',
};
const HOSTS = Object.keys(ADDRESSES);
const SECRETS = ['r3dh4tl1nux', 'Key_Value01', '2f1c9b0e6a4d83577de0b8c1943fa62510cb7e98', 'an0ther'];

let project: Project;
let tunnels: ReadonlyMap<string, Tunnel>;

beforeAll(async () => {
  project = shippedProject();
  const ran = await project.run(
    'apply',
    'playbooks/site.yml',
    '--lab=lab',
    '--yes',
    '--no-diff',
    '-l',
    HOSTS.join(','),
  );
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  tunnels = await shippedTunnels();
  const lab = await openLab('lab');
  await Promise.all(['pinky', 'ijin'].map((host) => on(lab, host, 'ifup ipsec1')));
  await lab.stop();
}, 120_000);

afterAll(() => project?.remove());

let copies = 0;

/** A site that is in order, for one test alone: the tests run side by side, for most of their time is spent waiting. */
async function site(work: (lab: Lab) => Promise<void>): Promise<void> {
  copies += 1;
  const name = `copy${copies}`;
  // -a: the times of files tell whether racoon has read them.
  expect(spawnSync('cp', ['-a', join(project.path, 'lab'), join(project.path, name)]).status).toBe(0);
  const lab = await openLab(name);
  try {
    await work(lab);
  } finally {
    await lab.stop();
  }
}

function openLab(name: string): Promise<Lab> {
  const hosts = HOSTS.map((host) => ({ name: host, addresses: [ADDRESSES[host] ?? ''] }));
  return startLab({ directory: join(project.path, name), hosts });
}

async function shippedTunnels(): Promise<ReadonlyMap<string, Tunnel>> {
  const { inventory } = loadInventory(join(project.path, 'inventory'), fileInventory);
  if (inventory.tunnelsDocument === null) throw new Error('no tunnels.yml');
  const read = await readTunnels(inventory.tunnelsDocument, inventory.hosts, {
    varsOf: ({ name }) => renderedVars(inventory, name),
    secrets: secretSources({ env: {} }),
  });
  return new Map(read.tunnels.map((one) => [one.name, one]));
}

/** What happens on a host of the lab. */
async function on(lab: Lab, host: string, script: string, shell = 'sh'): Promise<string> {
  const client = await connect(lab, host);
  const { out, code, err } = await run(client, shell, script);
  client.end();
  expect(code, err).toBe(0);
  return out;
}

async function verify(lab: Lab, name: string, options = OPTIONS, shell = 'sh'): Promise<TunnelVerdict> {
  const tunnel = tunnels.get(name);
  if (!tunnel) throw new Error(`no tunnel ${name}`);
  const seen = await Promise.all(
    perspectives(tunnel).map(async (end) => {
      const { host } = end.src;
      const script = `${prelude('x')}\n${render(proof.evidence([end], options), lab.rendering(host))}`;
      return proof.read(await on(lab, host, script, shell), [end]).get(name) ?? null;
    }),
  );
  const verdict = proof.judge(tunnel, [seen[0] ?? null, seen[1] ?? null], options);
  const told = JSON.stringify(verdict);
  for (const secret of SECRETS) expect(told).not.toContain(secret);
  return verdict;
}

/** The text in tunnels.yml that a cause points at. */
function pointedAt({ cause }: TunnelVerdict): string {
  const span = cause?.at;
  if (!span) return '';
  return (
    readFileSync(span.file, 'utf8')
      .split('\n')
      [span.line - 1]?.slice(span.column - 1)
      .trim() ?? ''
  );
}

const statuses = ({ ends }: TunnelVerdict) =>
  ends.map(({ layers }) => Object.fromEntries(layers.map(({ layer, status }) => [layer, status])));

describe.concurrent('a site that is in order', () => {
  test.each(shells.map((shell) => shell.join(' ')))('is proven, under %s', (shell) =>
    site(async (lab) => {
      const verdicts = ['lana-lanb', 'pinky-ijin', 'store-a-store-b'].map((name) => verify(lab, name, OPTIONS, shell));
      for (const verdict of await Promise.all(verdicts)) {
        expect(verdict, JSON.stringify(verdict, null, 1)).toMatchObject({ status: 'proven', cause: null, notes: [] });
        const layers = verdict.ends.flatMap((end) => end.layers);
        expect(
          layers.filter(({ status, layer }) => status === 'failed' || (status === 'unknown' && layer !== 'peer')),
        ).toEqual([]);
      }
    }),
  );

  test('tells what was seen', () =>
    site(async (lab) => {
      const { ends } = await verify(lab, 'lana-lanb');
      expect(Object.fromEntries((ends[0]?.layers ?? []).map(({ layer, what }) => [layer, what]))).toEqual({
        peer: '203.0.113.2 answers',
        daemon: 'racoon runs, and has read its files',
        policies: 'ESP inside AH in tunnel mode for 192.168.2.0/24',
        associations: expect.stringMatching(/^\d+ SAs/),
        route: '192.168.2.0/24 via 192.168.1.254 dev eth1 src 192.168.1.254',
        forwarding: 'net.ipv4.ip_forward is 1',
        ping: expect.stringContaining('192.168.2.254 answers'),
        wire: expect.stringMatching(/^ESP inside AH with the SPIs of the SAs, \d+ out and \d+ in, nothing in clear$/),
      });
    }));

  test('on a router with one device, where its LAN sends in clear what it encrypts', () =>
    site(async (lab) => {
      const [verdict, shown] = await Promise.all([verify(lab, 'lana-lanb'), passing(lab, 'in')]);
      expect(shown).toBe('shown');
      expect(verdict, JSON.stringify(verdict, null, 1)).toMatchObject({ status: 'proven', cause: null, notes: [] });
    }));

  test('leaves nothing behind on a host', () =>
    site(async (lab) => {
      const files = () => on(lab, 'lana', 'cd "$LAB_ROOT" && find . -type f | sort');
      await on(lab, 'lana', 'ping -c 1 192.168.2.254 >/dev/null; :');
      const before = await files();
      await verify(lab, 'lana-lanb');
      expect(await files()).toBe(before);
    }));

  test('many ends of one host take their turns side by side', () =>
    site(async (lab) => {
      const [end] = perspectives(tunnels.get('lana-lanb') as Tunnel);
      const others = Array.from({ length: 11 }, (_, index) => {
        const dst = { ...end.dst, address: `192.0.2.${index + 1}` };
        return { ...end, dst, tunnel: { ...end.tunnel, name: `other${index}` } };
      });
      const ends = [...others.slice(0, 5), end, ...others.slice(5)];
      // Eleven that do not answer, each with all its time: one after another they would take 55 s.
      const options = { ...OPTIONS, patience: 5 };
      const began = Date.now();
      const script = `${prelude('x')}\n${render(proof.evidence(ends, options), lab.rendering('lana'))}`;
      const evidence = proof.read(await on(lab, 'lana', script), ends);
      expect(Date.now() - began).toBeLessThan(45_000);
      expect([...evidence.keys()].sort()).toEqual(ends.map(({ tunnel }) => tunnel.name).sort());
      const external = { ...end.tunnel, ends: [end.src, { ...end.dst, managed: false }] as const };
      expect(proof.judge(external, [evidence.get('lana-lanb') ?? null, null], OPTIONS)).toMatchObject({
        status: 'proven',
      });
      const other = others[7];
      if (!other) throw new Error('there are eleven');
      const gone = { ...other.tunnel, ends: [other.src, { ...other.dst, managed: false }] as const };
      const verdict = proof.judge(gone, [evidence.get(other.tunnel.name) ?? null, null], OPTIONS);
      expect(verdict.cause?.code).toBe('policy-differs');
    }));

  test('after a reboot, which loses all SAs, new ones are made', () =>
    site(async (lab) => {
      await on(lab, 'lana', 'ping -c 3 192.168.2.254 >/dev/null; :');
      await lab.reboot('lanb');
      expect(await verify(lab, 'lana-lanb')).toMatchObject({ status: 'proven' });
    }));

  test('the largest packet is found', () =>
    site(async (lab) => {
      expect((await verify(lab, 'lana-lanb', { ...OPTIONS, mtu: true })).mtu).toBe(1398);
    }));

  test('where nobody watches the wire, the counters of the SAs stand in, and the verdict says so', () =>
    site(async (lab) => {
      const verdict = await verify(lab, 'lana-lanb', { ...OPTIONS, wire: false });
      expect(verdict.status).toBe('proven');
      expect(verdict.ends[0]?.layers.at(-1)?.what).toMatch(/^the SAs carried \d+ bytes out and \d+ in$/);
    }));
});

describe.concurrent('a site in which something is broken', () => {
  const broken: readonly (readonly [string, string, string, string, string, RegExp])[] = [
    ['policies are gone', 'lana-lanb', 'lana', 'setkey -FP', 'policy-missing', /^lana-lanb:/],
    ['racoon was killed', 'lana-lanb', 'lanb', 'killall racoon; setkey -F', 'racoon-not-running', /^lana-lanb:/],
    ['forwarding is off', 'lana-lanb', 'lanb', 'sysctl -w net.ipv4.ip_forward=0', 'forwarding-off', /^192\.168\.2\.0/],
    [
      'the pre-shared keys differ',
      'lana-lanb',
      'lana',
      'sed -i s/r3dh4tl1nux/an0ther/ "$LAB_ROOT/etc/racoon/psk.txt"; setkey -F',
      'psk-differs',
      /^r3dh4tl1nux/,
    ],
    [
      'phase 1 differs',
      'lana-lanb',
      'lanb',
      'sed -i s/3des/aes/ "$LAB_ROOT/etc/racoon/203.0.113.1.conf"; setkey -F; killall -HUP racoon',
      'proposal-mismatch',
      /^lana-lanb:/,
    ],
    ['udp 500 is blocked', 'lana-lanb', 'lanb', faultOn('ike-blocked'), 'udp-500-blocked', /^203\.0\.113/],
    ['nothing encrypted passes', 'pinky-ijin', 'ijin', faultOn('ipsec-blocked'), 'one-way', /^198\.51\.100/],
    [
      'a manual key differs',
      'store-a-store-b',
      'store-b',
      'sed -i s/2f1c9b0e/2f1c9b0f/ "$LAB_ROOT"/etc/sysconfig/network-scripts/keys-ipsec2; setkey -F; setkey -FP; ifup ipsec2',
      'key-mismatch',
      /^0x2f1c9b0e/,
    ],
    [
      'an end protects another network',
      'lana-lanb',
      'lanb',
      'setkey -FP; cd "$LAB_ROOT/etc/sysconfig/network-scripts"; sed -i s,192.168.1.0/24,192.168.1.0/25, ifcfg-ipsec1; ifup ipsec1',
      'selectors-not-mirrored',
      /^192\.168\.1\.0/,
    ],
    [
      'an end asks for ESP alone',
      'lana-lanb',
      'lanb',
      'setkey -FP; cd "$LAB_ROOT/etc/sysconfig/network-scripts"; echo AH_PROTO=none >> ifcfg-ipsec1; ifup ipsec1',
      'policy-differs',
      /^lana-lanb:/,
    ],
  ];

  test.each(broken)('%s', (_, name, host, script, code, where) =>
    site(async (lab) => {
      await on(lab, host, `{ ${script}; } >/dev/null 2>&1; :`);
      if (code.startsWith('udp')) await on(lab, 'lana', 'setkey -F');
      const verdict = await verify(lab, name);
      expect(verdict.cause?.code, JSON.stringify(verdict, null, 1)).toBe(code);
      expect(verdict.status).toBe('failed');
      expect(pointedAt(verdict)).toMatch(where);
      expect(statuses(verdict).some((end) => Object.values(end).includes('failed'))).toBe(true);
    }),
  );

  test('a router with one device sends in clear what its LAN sent in clear', () =>
    site(async (lab) => {
      const [verdict, shown] = await Promise.all([verify(lab, 'lana-lanb'), passing(lab, 'out')]);
      expect(shown).toBe('shown');
      expect(verdict.cause).toMatchObject({
        code: 'clear-text',
        message: 'lana sends packets for 192.168.2.0/24 in clear (192.168.1.7 to 192.168.2.9)',
      });
    }));

  test('both ends without policies: the pings pass in clear, and that is no proof', () =>
    site(async (lab) => {
      for (const host of ['lana', 'lanb']) await on(lab, host, 'setkey -FP');
      const verdict = await verify(lab, 'lana-lanb');
      expect(verdict).toMatchObject({ status: 'failed', cause: { code: 'policy-missing' } });
    }));
});

/** A packet of a machine of the LAN, on the device that is watched while the tunnel is verified. */
async function passing(lab: Lab, way: 'in' | 'out'): Promise<string> {
  const line = String.raw`192.168.1.7\t192.168.2.9\tICMP echo request, id 7, seq 1, length 64\t${way}\n`;
  const listener = '"$LAB_ROOT"/var/lib/lab-kernel/wire.*';
  const shown = await on(
    lab,
    'lana',
    `for i in $(seq 100); do for each in ${listener}; do [ ! -f "$each" ] || { printf '${line}' >> "$each"; echo shown; exit; }; done; sleep 0.1; done`,
  );
  return shown.trim();
}

function faultOn(name: string): string {
  return `setkey -F; mkdir -p "$LAB_ROOT/var/lib/lab-faults"; : > "$LAB_ROOT/var/lib/lab-faults/${name}"`;
}
