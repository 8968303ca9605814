import { fileURLToPath } from 'node:url';
import { run } from '../test/support/fleet-process.ts';
import { type Measured, measureNode, median } from './measure.ts';
import { milliseconds, type Ratios, table, times } from './table.ts';
import { CLI, ENV, inWorkspace, PLAYBOOK } from './workspace.ts';

const HOSTS = 200;
/** About half as many tunnels. */
const FEWER_HOSTS = 142;
const ROUNDS = 5;

interface Case {
  readonly hosts: number;
  readonly files: Record<string, string>;
  readonly argv: readonly string[];
}

const VALIDATE = [CLI, 'validate', 'playbooks/site.yml'];
const WRITTEN_OUT = written(HOSTS);

const CASES = {
  'one tunnel': { hosts: 2, files: mesh(2), argv: VALIDATE },
  'a mesh of fewer hosts': { hosts: FEWER_HOSTS, files: mesh(FEWER_HOSTS), argv: VALIDATE },
  'a full mesh': { hosts: HOSTS, files: mesh(HOSTS), argv: VALIDATE },
  'written out, tunnel by tunnel': { hosts: HOSTS, files: WRITTEN_OUT, argv: VALIDATE },
  'yaml.parse of that alone': {
    hosts: HOSTS,
    files: WRITTEN_OUT,
    argv: [
      '--eval',
      `require(${JSON.stringify(fileURLToPath(import.meta.resolve('yaml')))}).parse(require('node:fs').readFileSync('inventory/tunnels.yml', 'utf8'))`,
    ],
  },
} satisfies Record<string, Case>;

/** Reads and compiles a full mesh, as one and tunnel by tunnel. */
export async function benchMesh(): Promise<Ratios> {
  const measured = new Map<keyof typeof CASES, Measured[]>();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of Object.keys(CASES) as (keyof typeof CASES)[]) {
      const { hosts, files, argv } = CASES[name];
      await inWorkspace(files, async (dir) => {
        const one = await measureNode((all, options) => run(all, options).ended, argv, { cwd: dir, env: ENV }, dir);
        const valid = `${hosts} hosts, ${tunnels(hosts)} tunnel`;
        if (one.code !== 0 || (argv === VALIDATE && !one.stdout.includes(valid))) {
          throw new Error(`${name}: exit ${one.code}\n${one.stdout}${one.stderr}`);
        }
        measured.set(name, [...(measured.get(name) ?? []), one]);
      });
    }
  }
  const of = (name: keyof typeof CASES, what: 'wall' | 'cpu' | 'rss') =>
    median((measured.get(name) ?? []).map((one) => one[what] ?? Number.NaN));
  process.stdout.write(
    `\nvalidate PLAYBOOK, a full mesh of ${HOSTS} hosts, ${tunnels(HOSTS)} tunnels (${ROUNDS} rounds, medians; goal: 4 s and 500 MiB)\n`,
  );
  const rows = (Object.keys(CASES) as (keyof typeof CASES)[]).map((name) => [
    name,
    String(tunnels(CASES[name].hosts)),
    milliseconds(of(name, 'wall')),
    milliseconds(of(name, 'cpu')),
    `${of(name, 'rss').toFixed(0)} MiB`,
  ]);
  process.stdout.write(table(['', 'tunnels', 'wall', 'CPU', 'most memory'], rows));
  // Start-up is taken off: it is that of one tunnel.
  const aTunnel = (name: 'a mesh of fewer hosts' | 'a full mesh') =>
    (of(name, 'cpu') - of('one tunnel', 'cpu')) / tunnels(CASES[name].hosts);
  const ratios = {
    'mesh full / one tunnel': of('a full mesh', 'wall') / of('one tunnel', 'wall'),
    'mesh CPU a tunnel, all / half of them': aTunnel('a full mesh') / aTunnel('a mesh of fewer hosts'),
    'mesh written out / yaml.parse of it':
      of('written out, tunnel by tunnel', 'wall') / of('yaml.parse of that alone', 'wall'),
  };
  for (const [name, ratio] of Object.entries(ratios)) process.stdout.write(`${name}: ${times(ratio)}\n`);
  return ratios;
}

function tunnels(hosts: number): number {
  return (hosts * (hosts - 1)) / 2;
}

function mesh(count: number): Record<string, string> {
  return site(
    count,
    (names) =>
      `meshes:\n  all:\n    type: network-to-network\n    members: [${names.join(', ')}]\n    keying: { psk: { derive: a-master-secret-of-no-importance } }\n    onboot: true\n`,
  );
}

function written(count: number): Record<string, string> {
  return site(count, (names) => {
    const all = names.flatMap((a, index) =>
      names
        .slice(index + 1)
        .map((b) => `  ${a}-${b}:\n    ends:\n      ${a}: { nickname: to-${b} }\n      ${b}: { nickname: to-${a} }\n`),
    );
    return `defaults: { type: network-to-network, onboot: true, keying: { psk: { derive: a-master-secret-of-no-importance } } }\ntunnels:\n${all.join('')}`;
  });
}

/** No address is the beginning of another, which would be worth a warning each. */
function site(count: number, tunnelsOf: (names: readonly string[]) => string): Record<string, string> {
  const names = Array.from({ length: count }, (_, index) => `gw${index + 1}`);
  const hosts = names.map(
    (name, index) =>
      `    ${name}: { ansible_host: 198.18.${index >> 7}.${100 + (index & 127)}, ipsec_network: 10.${index}.0.0/24, ipsec_gateway: 10.${index}.0.1 }\n`,
  );
  return {
    'inventory/hosts.yml': `all:\n  hosts:\n${hosts.join('')}`,
    'inventory/tunnels.yml': tunnelsOf(names),
    'playbooks/site.yml': PLAYBOOK,
  };
}
