import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { programPath } from '../test/support/needs.ts';
import { type Arena, type Contestant, fault, type Step } from './contestant.ts';
import { ifcfg, PSK, RACOON_CONF, router } from './hosts.ts';
import { measureProgram } from './measure.ts';
import { writeFiles } from './workspace.ts';

const CONFIG = {
  default: () => '[defaults]\n',
  tuned: () =>
    '[defaults]\nforks = 50\ngathering = explicit\n[ssh_connection]\npipelining = True\nssh_args = -C -o ControlMaster=auto -o ControlPersist=60s\n',
  mitogen: () =>
    `[defaults]\nforks = 50\ngathering = explicit\nstrategy = mitogen_linear\nstrategy_plugins = ${mitogenPlugins()}\n`,
};

/** Where mitogen's strategies are, for the Python that Ansible runs with; null where it has none. */
export function mitogenPlugins(): string | null {
  const [first = ''] = readFileSync(programPath('ansible-playbook') ?? '/dev/null', 'utf8').split('\n');
  const [python = 'python3', ...more] = first.replace(/^#!/, '').trim().split(' ');
  const script = 'import os, ansible_mitogen; print(os.path.dirname(ansible_mitogen.__file__))';
  const { status, stdout } = spawnSync(python, [...more, '-c', script], { encoding: 'utf8' });
  return status === 0 ? join(stdout.trim(), 'plugins/strategy') : null;
}

/** The same work as a role has it; the tools of the stand-in hosts are called by `command`, as they are no real ones. */
export function ansible({ fleet, count, dir }: Arena, config: keyof typeof CONFIG): Contestant {
  const name = config === 'mitogen' ? 'ansible + mitogen' : `ansible (${config})`;
  writeFiles(dir, {
    'ansible.cfg': CONFIG[config](),
    'hosts.yml': inventory(count, fleet.keyFile, fleet.knownHostsFile),
    'site.yml': PLAYBOOK,
  });
  const sockets = join(dir, 'sockets');
  const env = {
    HOME: fleet.home,
    ANSIBLE_CONFIG: join(dir, 'ansible.cfg'),
    ANSIBLE_HOME: join(dir, 'home'),
    ANSIBLE_SSH_CONTROL_PATH_DIR: sockets,
    ANSIBLE_NOCOLOR: '1',
  };
  const run = async (step: Step) => {
    mkdirSync(sockets, { recursive: true });
    const argv = ['ansible-playbook', '-i', 'hosts.yml', 'site.yml'];
    const measured = await measureProgram(fleet.controlExec, argv, { cwd: dir, env, timeout: 600_000 });
    // Another run must not find this one's connections.
    for (const socket of readdirSync(sockets))
      await fleet.controlExec(['ssh', '-O', 'exit', '-o', `ControlPath=${join(sockets, socket)}`, 'any']);
    rmSync(sockets, { recursive: true });
    const recap = [...measured.stdout.matchAll(/^gw\d+ .*changed=(\d+) .*unreachable=0 .*failed=0/gm)];
    if (measured.code !== 0 || recap.length !== count) throw fault(name, step, 'a host failed', measured);
    if (recap.some(([, changed]) => (changed === '0') !== (step === 'no-op apply')))
      throw fault(name, step, 'changed too little or too much', measured);
    return measured;
  };
  return { name, steps: ['first apply', 'no-op apply'], rounds: count === 1 ? 3 : 1, run };
}

function inventory(count: number, keyFile: string, knownHostsFile: string): string {
  const hosts = Array.from({ length: count }, (_, index) => {
    const one = router(index);
    const vars = { ansible_host: one.address, ifcfg: ifcfg(one), dst: router(one.peer).address };
    return `    ${one.name}: ${JSON.stringify(vars)}\n`;
  });
  const vars = {
    ansible_user: 'root',
    ansible_ssh_private_key_file: keyFile,
    ansible_ssh_common_args: `-o UserKnownHostsFile=${knownHostsFile}`,
    psk: PSK,
    racoon_conf: RACOON_CONF,
  };
  return `all:\n  hosts:\n${hosts.join('')}  vars: ${JSON.stringify(vars)}\n`;
}

/** racoon.conf and psk.txt belong to ifup once it has run: only the first run writes the one, the other is read by line. */
const PLAYBOOK = `- hosts: all
  tasks:
    - name: ipsec-tools
      command: yum -y install ipsec-tools
      args: { creates: /sbin/setkey }
    - name: racoon.conf
      copy: { dest: /etc/racoon/racoon.conf, mode: "0600", content: "{{ racoon_conf }}", force: false }
    - name: ifcfg-ipsec0
      copy: { dest: /etc/sysconfig/network-scripts/ifcfg-ipsec0, mode: "0644", content: "{{ ifcfg }}" }
      notify: [service network restart, ifup ipsec0]
    - name: keys-ipsec0
      copy: { dest: /etc/sysconfig/network-scripts/keys-ipsec0, mode: "0600", content: "IKE_PSK={{ psk }}\\n" }
      notify: [ifup ipsec0]
    - name: psk.txt
      lineinfile: { path: /etc/racoon/psk.txt, create: true, mode: "0600", regexp: '^{{ dst }}\\s', line: "{{ dst }}  {{ psk }}" }
    - name: sysctl.conf
      lineinfile: { path: /etc/sysctl.conf, regexp: '^net.ipv4.ip_forward', line: net.ipv4.ip_forward = 1 }
      notify: [sysctl -p, service network restart]
    - meta: flush_handlers
    - name: policies in the kernel
      command: setkey -DP
      register: policies
      changed_when: false
      failed_when: "'ipsec' not in policies.stdout"
  handlers:
    - name: sysctl -p
      command: sysctl -p /etc/sysctl.conf
    - name: service network restart
      command: service network restart
    - name: ifup ipsec0
      command: ifup ipsec0
`;
