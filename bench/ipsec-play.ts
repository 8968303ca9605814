import { type Arena, type Contestant, door, fault } from './contestant.ts';
import { PSK, router } from './hosts.ts';
import { measureNode } from './measure.ts';
import { CLI, PLAYBOOK, writeFiles } from './workspace.ts';

export function ipsecPlay(arena: Arena): Contestant {
  const { fleet, count, dir } = arena;
  writeFiles(dir, {
    'inventory/hosts.yml': hosts(arena),
    'inventory/tunnels.yml': tunnels(count),
    'site.yml': PLAYBOOK,
  });
  return {
    name: 'ipsec-play',
    steps: ['check', 'first apply', 'no-op apply'],
    run: async (step) => {
      const argv = [CLI, ...(step === 'check' ? ['check'] : ['apply', '--yes', '--no-verify']), 'site.yml'];
      const measured = await measureNode(fleet.controlExec, argv, { cwd: dir, env: { NO_COLOR: '1' } }, dir);
      const { code, stdout } = measured;
      if (code !== (step === 'check' ? 2 : 0)) throw fault('ipsec-play', step, 'wrong exit code', measured);
      const recap = [...stdout.matchAll(/^gw\d+ .*changed=(\d+) .*failed=0 .*unreachable=0$/gm)];
      if (recap.length !== count) throw fault('ipsec-play', step, 'a host is not in the recap', measured);
      if (recap.some(([, changed]) => (changed === '0') !== (step === 'no-op apply')))
        throw fault('ipsec-play', step, 'changed too little or too much', measured);
      return measured;
    },
  };
}

function hosts(arena: Arena): string {
  const lines = Array.from({ length: arena.count }, (_, index) => {
    const { name, address: own, network, gateway } = router(index);
    const { address, port } = door(arena, index);
    return `    ${name}: { ansible_host: ${address}, ansible_port: ${port}, ipsec_address: ${own}, ipsec_network: ${network}, ipsec_gateway: ${gateway} }\n`;
  });
  return `all:\n  hosts:\n${lines.join('')}  vars: { ansible_user: root, ansible_ssh_private_key_file: ${arena.fleet.keyFile} }\n`;
}

function tunnels(count: number): string {
  const entries: string[] = [];
  for (let index = 0; index < count; index += 2) {
    const [one, other] = [router(index), router(index + 1)];
    const far =
      index + 1 < count
        ? 'nickname: ipsec0'
        : `managed: false, address: ${other.address}, network: ${other.network}, gateway: ${other.gateway}`;
    entries.push(
      `  pair-${index}:\n    ends:\n      ${one.name}: { nickname: ipsec0 }\n      ${other.name}: { ${far} }\n`,
    );
  }
  return `defaults: { type: network-to-network, onboot: true, keying: { psk: ${PSK} } }\ntunnels:\n${entries.join('')}`;
}
