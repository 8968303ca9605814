import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkValue } from '../../src/lang/schema.ts';
import type { RunDocument } from '../../src/report/json.ts';
import { runSchema } from '../../src/report/run-schema.ts';
import { type Project, shippedProject } from '../support/cli.ts';
import { sealVault } from '../support/seal-vault.ts';

/** One end of a tunnel is never changed without the other, whatever --limit says. */
let project: Project;
const file = (host: string, path: string) => join(project.path, '.ipsec-play/lab', host, 'root', path);
const read = (host: string, path: string) => readFileSync(file(host, path), 'utf8');
const scripts = '/etc/sysconfig/network-scripts';

beforeAll(() => {
  project = shippedProject();
  // A third network, so that lanb has a tunnel that lana knows nothing of.
  project.edit(
    'inventory/hosts.yml',
    'lanb: { ansible_host: 203.0.113.2 }',
    `lanb: { ansible_host: 203.0.113.2 }
        lanc: { ansible_host: 203.0.113.3 }`,
  );
  project.edit(
    'inventory/tunnels.yml',
    '  # Manual keys',
    `  lanb-lanc:
    type: network-to-network
    ends:
      lanb: { nickname: ipsec2, address: 203.0.113.2, network: 192.168.2.0/24, gateway: 192.168.2.254 }
      lanc: { nickname: ipsec0, address: 203.0.113.3, network: 192.168.3.0/24, gateway: 192.168.3.254 }
    keying: { psk: an0ther_l0ng_Key }
    onboot: true

  # Manual keys`,
  );
  project.write(
    'playbooks/more.yml',
    `- hosts: routers
  become: true
  tasks:
    - file: { path: /etc/motd, content: "Hands off\\n" }
    - ipsec_tunnels: {}
`,
  );
});
afterAll(() => project.remove());

async function json(...argv: string[]): Promise<RunDocument & { stderr: string }> {
  const { stdout, stderr } = await project.run(...argv, '--lab', '-o', 'json');
  const document = JSON.parse(stdout) as RunDocument;
  expect(checkValue(runSchema, document)).toEqual([]);
  return { ...document, stderr };
}

const tunnelsOf = (document: RunDocument, host: string) => [
  ...new Set(document.hosts[host]?.tasks.flatMap(({ tunnel }) => tunnel ?? [])),
];

describe('--limit lana', () => {
  test('takes lanb along, and says so', async () => {
    const document = await json('check', 'playbooks/more.yml', '--limit', 'lana');
    expect(document.stderr).toBe('--limit lana: lanb is the other end of lana-lanb and is taken along\n');
    expect(Object.keys(document.hosts)).toEqual(['lana', 'lanb']);
    expect(tunnelsOf(document, 'lanb')).toEqual(['lana-lanb']);
    expect(document.hosts.lana?.tasks.some(({ module }) => module === 'file')).toBe(true);
    expect(document.hosts.lanb?.tasks.some(({ name }) => name === 'file')).toBe(false);
  });

  test('applies the tunnel to both ends, and nothing else to lanb', async () => {
    const document = await json('apply', 'playbooks/more.yml', '--limit', 'lana');
    expect(document.exitCode).toBe(0);
    expect(Object.values(document.hosts).map(({ status }) => status)).toEqual(['changed', 'changed']);
    expect(read('lanb', `${scripts}/keys-ipsec1`)).toBe('IKE_PSK=r3dh4tl1nux\n');
    expect(existsSync(file('lanb', `${scripts}/ifcfg-ipsec2`))).toBe(false);
    expect(existsSync(file('lanb', '/etc/motd'))).toBe(false);
    expect(read('lanb', '/etc/racoon/psk.txt')).not.toContain('203.0.113.3');
    expect(existsSync(file('lanc', `${scripts}/ifcfg-ipsec0`))).toBe(false);
    expect((await json('check', 'playbooks/more.yml', '--limit', 'lana')).exitCode).toBe(0);
  });

  test('a changed key changes on both; a tunnel of lanb alone stays as it is', async () => {
    project.edit('inventory/tunnels.yml', 'r3dh4tl1nux', 'a_n3w_l0ng_Key');
    const document = await json('apply', 'playbooks/more.yml', '--limit', 'lana');
    expect(document.exitCode).toBe(0);
    expect(read('lana', `${scripts}/keys-ipsec0`)).toBe('IKE_PSK=a_n3w_l0ng_Key\n');
    expect(read('lanb', `${scripts}/keys-ipsec1`)).toBe('IKE_PSK=a_n3w_l0ng_Key\n');
    expect(existsSync(file('lanb', `${scripts}/ifcfg-ipsec2`))).toBe(false);
  });

  test('when lanb cannot be changed, lana is not either', async () => {
    project.edit('inventory/tunnels.yml', 'a_n3w_l0ng_Key', 'the_th1rd_Key');
    project.edit(
      'inventory/hosts.yml',
      'lanb: { ansible_host: 203.0.113.2 }',
      'lanb: { ansible_host: 203.0.113.2, lab_release: "6.9" }',
    );
    const document = await json('apply', 'playbooks/more.yml', '--limit', 'lana');
    expect(document.exitCode).toBe(4);
    expect(document.hosts.lana?.error?.code).toBe('other-end');
    expect(read('lana', `${scripts}/keys-ipsec0`)).toBe('IKE_PSK=a_n3w_l0ng_Key\n');
  });
});

test('--limit to a middle host takes its neighbours along, and not theirs', async () => {
  const ran = await project.run('tasks', 'playbooks/more.yml', '--limit', 'lanb', '-o', 'json');
  expect(ran.stderr).toBe(
    '--limit lanb: lana is the other end of lana-lanb and is taken along\n' +
      '--limit lanb: lanc is the other end of lanb-lanc and is taken along\n',
  );
  const names = JSON.parse(ran.stdout).plays[0].hosts.map(({ host }: { host: string }) => host);
  expect(names).toEqual(['lana', 'lanb', 'lanc']);
});

test('the key of a tunnel that stays as it is may stay closed', async () => {
  const sealed = sealVault('an0ther_l0ng_Key', 'nobody knows')
    .trimEnd()
    .split('\n')
    .map((line) => `        ${line}\n`);
  project.edit('inventory/tunnels.yml', '{ psk: an0ther_l0ng_Key }', `\n      psk: !vault |\n${sealed.join('')}`);
  const ran = await project.run('check', 'playbooks/more.yml', '--limit', 'lana', '--lab', '-o', 'json');
  expect(ran.stderr).toBe('--limit lana: lanb is the other end of lana-lanb and is taken along\n');
  expect(tunnelsOf(JSON.parse(ran.stdout), 'lanb')).toEqual(['lana-lanb']);
});
