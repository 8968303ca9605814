import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from '../test/support/fleet-process.ts';
import { type Measured, measureNode, median } from './measure.ts';
import { milliseconds, type Ratios, table, times } from './table.ts';
import { CLI, ENV, inWorkspace } from './workspace.ts';

const ROUNDS = 21;

/** Commands that touch no host, against a Node process that does nothing. */
export async function benchStart(): Promise<Ratios> {
  const commands: Readonly<Record<string, readonly string[]>> = {
    'node -e 0': ['-e', '0'],
    '--version': [CLI, '--version'],
    '--help': [CLI, '--help'],
    validate: [CLI, 'validate'],
    'validate PLAYBOOK': [CLI, 'validate', 'playbooks/site.yml'],
  };
  const measured = new Map<string, Measured[]>(Object.keys(commands).map((name) => [name, []]));
  await inWorkspace({}, async (dir) => {
    for (const folder of ['inventory', 'playbooks'])
      cpSync(`${ROOT}${folder}`, `${dir}/${folder}`, { recursive: true });
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [name, argv] of Object.entries(commands)) {
        const one = await measureNode((all, options) => run(all, options).ended, argv, { cwd: dir, env: ENV }, dir);
        if (one.code !== 0) throw new Error(`${name}: exit ${one.code}\n${one.stderr}`);
        measured.get(name)?.push(one);
      }
    }
  });
  return report(measured);
}

const ROOT = fileURLToPath(new URL('../', import.meta.url));

function report(measured: ReadonlyMap<string, readonly Measured[]>): Ratios {
  const ratios: Ratios = {};
  const empty = measured.get('node -e 0') ?? [];
  const rows = [...measured].map(([name, all]) => {
    const wall = median(all.map((one, round) => one.wall / (empty[round]?.wall ?? Number.NaN)));
    const cpu = median(all.map((one, round) => one.cpu / (empty[round]?.cpu ?? Number.NaN)));
    ratios[`start ${name}`] = wall;
    return [
      name,
      milliseconds(median(all.map((one) => one.wall))),
      times(wall),
      milliseconds(median(all.map((one) => one.cpu))),
      times(cpu),
      `${median(all.map((one) => one.rss ?? 0)).toFixed(0)} MiB`,
    ];
  });
  process.stdout.write(
    `\nStart-up, against an empty Node process (${ROUNDS} rounds, medians; goals: 1.5x, validate 2.5x)\n`,
  );
  process.stdout.write(table(['command', 'wall', 'ratio', 'CPU', 'ratio', 'memory'], rows));
  return ratios;
}
