import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/engine/events.ts';
import type { RunDocument } from '../../src/report/json.ts';
import { type Project, shippedProject } from '../support/cli.ts';

/** Two gateways that stand in for each other, and two branches; each gateway has a tunnel with each branch. */
const HOSTS = `all:
  hosts:
    gw1: { ansible_host: 203.0.113.1, redundancy_group: gateways, ipsec_network: 10.1.0.0/24, ipsec_gateway: 10.1.0.254 }
    gw2: { ansible_host: 203.0.113.2, redundancy_group: gateways, ipsec_network: 10.2.0.0/24, ipsec_gateway: 10.2.0.254 }
    b1: { ansible_host: 203.0.113.11, ipsec_network: 10.11.0.0/24, ipsec_gateway: 10.11.0.254 }
    b2: { ansible_host: 203.0.113.12, ipsec_network: 10.12.0.0/24, ipsec_gateway: 10.12.0.254 }
  vars: { ansible_user: root }
`;
const HUBS = `defaults: { type: network-to-network }
hubs:
  one: { hub: gw1, spokes: [b1, b2], keying: { psk: { derive: a_l0ng_Master_1 } } }
  two: { hub: gw2, spokes: [b1, b2], keying: { psk: { derive: a_l0ng_Master_2 } } }
`;
const PAIRS = `defaults: { type: network-to-network }
tunnels:
  t1: { ends: { gw1: {}, b1: {} }, keying: { psk: a_l0ng_Key_1 } }
  t2: { ends: { gw2: {}, b2: {} }, keying: { psk: a_l0ng_Key_2 } }
`;
const PLAY = `- name: Site
  hosts: all
  become: true
  tasks: [{ ipsec_tunnels: {} }]
`;

let project: Project;
beforeEach(() => {
  project?.remove();
  project = shippedProject();
  project.write('inventory/hosts.yml', HOSTS);
  project.write('inventory/tunnels.yml', PAIRS);
  project.write('playbooks/site.yml', PLAY);
});
afterAll(() => project.remove());

interface Went {
  readonly code: number;
  readonly stderr: string;
  /** The hosts that were at work at the same time, in their order; more than once where it was so. */
  readonly together: readonly string[];
  readonly statuses: Readonly<Record<string, string>>;
}

async function apply(...argv: string[]): Promise<Went> {
  const { code, stdout, stderr } = await project.run('apply', 'playbooks/site.yml', '--lab', '-o', 'jsonl', ...argv);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent);
  const together: string[] = [];
  const working = new Set<string>();
  let wave = new Set<string>();
  const statuses: Record<string, string> = {};
  for (const event of events) {
    if (event.type === 'host-started') {
      working.add(event.host);
      wave.add(event.host);
    }
    if (event.type !== 'host-finished') continue;
    statuses[event.host] = event.result.status;
    working.delete(event.host);
    if (working.size > 0) continue;
    together.push([...wave].sort().join(' '));
    wave = new Set();
  }
  return { code, stderr, together, statuses };
}

async function json(...argv: string[]): Promise<RunDocument> {
  return JSON.parse((await project.run('apply', 'playbooks/site.yml', '--lab', '-o', 'json', ...argv)).stdout);
}

const newKeys = () => project.edit('inventory/tunnels.yml', /a_l0ng_(Key|Master)/g, 'an0ther_l0ng_one');

describe('redundancy_group', () => {
  test('without serial: one gateway with its branch, then the other', async () => {
    expect(await apply()).toMatchObject({ code: 0, stderr: '', together: ['b1 gw1', 'b2 gw2'] });
  });

  test('gateways that share their branches: all tunnels of one, then all of the other', async () => {
    project.write('inventory/tunnels.yml', HUBS);
    const went = await apply();
    expect(went).toMatchObject({ code: 0, stderr: '', together: ['b1 b2 gw1', 'b1 b2 gw2'] });
    expect((await json()).exitCode).toBe(0);
    newKeys();
    expect((await apply()).together).toEqual(['b1 b2 gw1', 'b1 b2 gw2']);
    const check = await project.run('check', 'playbooks/site.yml', '--lab');
    expect(check.code).toBe(0);
    expect(project.read('.ipsec-play/lab/b1/root/etc/racoon/psk.txt').match(/^203\.0\.113\.[12] /gm)).toHaveLength(2);
  });

  test('a gateway that fails keeps the branches, for the rest of the run, from changing with the other one alone', async () => {
    project.write('inventory/tunnels.yml', HUBS);
    project.edit('inventory/hosts.yml', 'gw1: { ', 'gw1: { lab_release: "6.9", ');
    const document = await json();
    expect(document.exitCode).toBe(4);
    expect(document.hosts.gw1?.error?.code).toBe('blocked');
    for (const host of ['b1', 'b2', 'gw2']) expect(document.hosts[host]?.error?.code).toBe('other-end');
  });

  test('two of them that are the ends of one tunnel go together, with a warning', async () => {
    project.write('inventory/tunnels.yml', PAIRS.replace('b1: {}', 'gw2: {}').replace(/ {2}t2.*\n/, ''));
    const went = await apply('-l', 'gw1,gw2');
    expect(went.together).toEqual(['gw1 gw2']);
    expect(went.stderr).toBe(
      'warning: "Site": gw1 and gw2 are redundant (redundancy_group gateways) and the ends of one tunnel, so they change together\n',
    );
  });
});

describe('serial', () => {
  test('both ends of a tunnel are in one batch, and a batch that is larger is told of', async () => {
    project.edit('playbooks/site.yml', '  become', '  serial: 1\n  become');
    const went = await apply();
    expect(went.together).toEqual(['b1 gw1', 'b2 gw2']);
    expect(went.stderr.split('\n')[0]).toBe(
      'warning: "Site": gw1 and b1 change together, because tunnels connect them: they are 2, and serial asks for 1',
    );
  });
});

describe('--canary', () => {
  beforeEach(() => project.edit('inventory/hosts.yml', / redundancy_group: gateways,/g, ''));

  test('one set of hosts goes alone, then the others', async () => {
    expect((await apply()).together).toEqual(['b1 b2 gw1 gw2']);
    newKeys();
    expect(await apply('--canary')).toMatchObject({ code: 0, together: ['b1 gw1', 'b2 gw2'] });
  });

  test('that of a host', async () => {
    expect((await apply('--canary', 'b2')).together).toEqual(['b2 gw2', 'b1 gw1']);
  });

  test('a set without changes is none: the next one is alone, too', async () => {
    await apply('-l', 'gw1');
    project.write(
      'inventory/tunnels.yml',
      `${PAIRS}  t3: { ends: { b3: {}, b4: {} }, keying: { psk: a_l0ng_Key_3 } }\n`,
    );
    project.edit(
      'inventory/hosts.yml',
      '  vars',
      '    b3: { ansible_host: 203.0.113.13, ipsec_network: 10.13.0.0/24, ipsec_gateway: 10.13.0.254 }\n    b4: { ansible_host: 203.0.113.14, ipsec_network: 10.14.0.0/24, ipsec_gateway: 10.14.0.254 }\n  vars',
    );
    expect((await apply('--canary')).together).toEqual(['b1 gw1', 'b2 gw2', 'b3 b4']);
  });

  test('one that fails ends the run', async () => {
    project.edit('inventory/hosts.yml', 'b1: { ', 'b1: { lab_release: "6.9", ');
    const document = await json('--canary');
    expect(document.exitCode).toBe(4);
    expect(document.hosts.gw2).toEqual({
      status: 'skipped',
      error: { code: 'canary', message: 'not begun, because the canary (gw1, b1) failed' },
      tasks: [],
    });
  });

  test('one that waits for a person keeps the others waiting, too', async () => {
    const document = await json('--canary', '--confirm', 'manual');
    expect(document.hosts.gw1?.status).toBe('changed');
    expect(document.hosts.gw2).toMatchObject({ status: 'skipped', error: { code: 'canary' } });
    expect(document.hosts.gw2?.error?.message).toContain('waits to be confirmed by hand');
    expect(await project.run('confirm', `${document.run}`, '--lab')).toMatchObject({ code: 0 });
    expect(await apply('--canary')).toMatchObject({ code: 0, together: ['b1 gw1', 'b2 gw2'] });
  });

  test('a check reads all hosts, whatever comes of it', async () => {
    project.edit('inventory/hosts.yml', 'b1: { ', 'b1: { lab_release: "6.9", ');
    const check = await project.run('check', 'playbooks/site.yml', '--lab', '-o', 'json', '--canary');
    expect(JSON.parse(check.stdout).hosts.gw2.status).toBe('changed');
  });

  test('a host that no play runs on is a mistake', async () => {
    const ran = await project.run('apply', 'playbooks/site.yml', '--lab', '--canary=nobody');
    expect(ran).toMatchObject({ code: 3, stdout: '' });
    expect(ran.stderr).toContain('--canary nobody: no play runs on a host of that name');
  });
});

describe('--max-down', () => {
  beforeEach(() => project.edit('inventory/hosts.yml', / redundancy_group: gateways,/g, ''));

  test('0 lets new tunnels come up, and takes none down', async () => {
    expect(await apply('--max-down', '0')).toMatchObject({ code: 0 });
    newKeys();
    const document = await json('--max-down', '0');
    expect(document.exitCode).toBe(4);
    for (const host of Object.values(document.hosts)) {
      expect(host.error).toMatchObject({ code: 'max-down', message: expect.stringContaining('--max-down allows 0') });
      expect(host.tasks.some(({ status }) => status === 'changed')).toBe(false);
    }
    expect((await project.run('check', 'playbooks/site.yml', '--lab')).code).toBe(2);
  });

  test('1 lets one tunnel after the other go down, without serial', async () => {
    await apply();
    newKeys();
    expect(await apply('--max-down', '1')).toMatchObject({ code: 0 });
    expect((await project.run('check', 'playbooks/site.yml', '--lab')).code).toBe(0);
  });
});
