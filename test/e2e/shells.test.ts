import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import { type Workspace, workspace } from '../support/fleet-workspace.ts';

/** Red Hat's sshd gives a command a PATH without the folders for administrators. */
const USER_PATH = '/usr/local/bin:/bin:/usr/bin';

describe.skipIf(!canRunFleet('dash', 'bash', 'busybox'))('hosts with different shells', () => {
  let fleet: Fleet;
  let site: Workspace;
  beforeAll(async () => {
    fleet = await startFleet({
      hosts: [
        { name: 'dash', address: '198.51.100.1', shell: 'dash' },
        { name: 'bash', address: '198.51.100.2', shell: 'bash', release: '4' },
        { name: 'busybox', address: '198.51.100.3', shell: 'busybox', path: USER_PATH },
      ],
    });
    site = workspace(fleet, 'shipped');
    site.write(
      'inventory/hosts.yml',
      'all:\n  hosts: { dash: { ansible_host: 198.51.100.1 }, bash: { ansible_host: 198.51.100.2 }, busybox: { ansible_host: 198.51.100.3 } }\n  vars: { ansible_user: root }\n',
    );
    site.write(
      'inventory/tunnels.yml',
      'meshes:\n  all: { type: host-to-host, members: [dash, bash, busybox], keying: { psk: { derive: "A master secret 1" } }, onboot: true }\n',
    );
    site.write(
      'playbooks/site.yml',
      `- name: All of it
  hosts: all
  become: true
  tasks:
    - name: Tunnels
      ipsec_tunnels: { tunnels: all }
    - name: A folder
      directory: { path: "/root/a folder", mode: "0750" }
    - name: A file with what a shell might take for its own
      file: { path: "/root/a folder/it's $HOME", content: "{{ odd }}", mode: "0640", owner: root, group: root }
    - name: A line
      lineinfile: { path: /etc/hosts, line: "198.51.100.9 nine" }
  vars:
    odd: "back\\\\slash %s \`id\` $(id) $HOME 'one' \\"two\\" ! * ~ \\t tab\\n# \\u00fcml\\u00e4ut\\nno end of line"
`,
    );
  });
  afterAll(() => fleet?.stop());

  test('all converge to the same', async () => {
    const first = await site.report(['apply', 'playbooks/site.yml', '--yes']);
    expect(first.hosts).toEqual({ dash: 'changed', bash: 'changed', busybox: 'changed' });
    expect(first.code).toBe(0);
    const text = 'back\\slash %s `id` $(id) $HOME \'one\' "two" ! * ~ \t tab\n# ümläut\nno end of line';
    for (const { read, mode, exec } of Object.values(fleet.hosts)) {
      expect(Buffer.from(read("root/a folder/it's $HOME") ?? '', 'latin1').toString()).toBe(text);
      expect(mode("root/a folder/it's $HOME")).toBe('0640');
      expect(mode('root/a folder')).toBe('0750');
      expect(read('etc/hosts')).toMatch(/^198\.51\.100\.9 nine$/m);
      expect((await exec('setkey -DP')).stdout.match(/\d out (prio \S+ )?ipsec|\tout (prio \S+ )?ipsec/g)).toHaveLength(
        2,
      );
    }
    const [one, two] = ['dash', 'bash'].map((name) => fleet.host(name).read('etc/racoon/psk.txt')) as [string, string];
    expect(/^198\.51\.100\.2\s+(\S+)/m.exec(one)?.[1]).toBe(/^198\.51\.100\.1\s+(\S+)/m.exec(two)?.[1]);
  });

  test('and have nothing to do after that', async () => {
    const again = await site.report(['apply', 'playbooks/site.yml', '--yes']);
    expect(again.hosts).toEqual({ dash: 'ok', bash: 'ok', busybox: 'ok' });
    expect(again.code).toBe(0);
    expect((await site.report(['check', 'playbooks/site.yml'])).code).toBe(0);
  });
});
