import { run } from '../test/support/fleet-process.ts';
import { type Measured, measureNode, median } from './measure.ts';
import { milliseconds, type Ratios, table, times } from './table.ts';
import { CLI, ENV, inWorkspace, PLAYBOOK } from './workspace.ts';

const HOSTS = 200;
const TUNNELS = (HOSTS * (HOSTS - 1)) / 2;
const ROUNDS = 5;

/** Reads and compiles a full mesh. Start-up is taken off: it is the same command on one tunnel of the same kind. */
export async function benchMesh(): Promise<Ratios> {
  const sizes = { small: 2, full: HOSTS };
  const measured: Record<keyof typeof sizes, Measured[]> = { small: [], full: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of ['small', 'full'] as const) {
      await inWorkspace(mesh(sizes[name]), async (dir) => {
        const argv = [CLI, 'validate', 'playbooks/site.yml'];
        const one = await measureNode((all, options) => run(all, options).ended, argv, { cwd: dir, env: ENV }, dir);
        const tunnels = (sizes[name] * (sizes[name] - 1)) / 2;
        if (one.code !== 0 || !one.stdout.includes(`${sizes[name]} hosts, ${tunnels} tunnel`)) {
          throw new Error(`validate of a mesh: exit ${one.code}\n${one.stdout}${one.stderr}`);
        }
        measured[name].push(one);
      });
    }
  }
  const of = (name: keyof typeof sizes, what: 'wall' | 'cpu' | 'rss') =>
    median(measured[name].map((one) => one[what] ?? 0));
  process.stdout.write(
    `\nA full mesh of ${HOSTS} hosts, ${TUNNELS} tunnels, read and compiled (${ROUNDS} rounds, medians; goal: 4 s and 500 MiB)\n`,
  );
  process.stdout.write(
    table(
      ['validate PLAYBOOK', 'wall', 'CPU', 'most memory'],
      [
        [
          'one tunnel',
          milliseconds(of('small', 'wall')),
          milliseconds(of('small', 'cpu')),
          `${of('small', 'rss').toFixed(0)} MiB`,
        ],
        [
          'full mesh',
          milliseconds(of('full', 'wall')),
          milliseconds(of('full', 'cpu')),
          `${of('full', 'rss').toFixed(0)} MiB`,
        ],
        [
          'difference',
          milliseconds(of('full', 'wall') - of('small', 'wall')),
          milliseconds(of('full', 'cpu') - of('small', 'cpu')),
          `${(of('full', 'rss') - of('small', 'rss')).toFixed(0)} MiB`,
        ],
      ],
    ),
  );
  const ratio = of('full', 'wall') / of('small', 'wall');
  process.stdout.write(`full mesh against one tunnel: ${times(ratio)}\n`);
  return { 'mesh full / one tunnel': ratio };
}

/** No address is the beginning of another, which would be worth a warning each. */
function mesh(count: number): Record<string, string> {
  const names = Array.from({ length: count }, (_, index) => `gw${index + 1}`);
  const hosts = names.map(
    (name, index) =>
      `    ${name}: { ansible_host: 198.18.${index >> 7}.${100 + (index & 127)}, ipsec_network: 10.${index}.0.0/24, ipsec_gateway: 10.${index}.0.1 }\n`,
  );
  return {
    'inventory/hosts.yml': `all:\n  hosts:\n${hosts.join('')}`,
    'inventory/tunnels.yml': `meshes:\n  all:\n    type: network-to-network\n    members: [${names.join(', ')}]\n    keying: { psk: { derive: a-master-secret-of-no-importance } }\n    onboot: true\n`,
    'playbooks/site.yml': PLAYBOOK,
  };
}
