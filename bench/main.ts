import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { benchFleet } from './fleet.ts';
import { benchMesh } from './mesh.ts';
import { benchStart } from './start.ts';
import type { Ratios } from './table.ts';

const USAGE = `npm run bench -- [options]
  --only start,mesh,fleet  only these parts
  --hosts 1,10,50          sizes of the fleet
  --rounds N               rounds of each size, odd (default: 5, with 50 hosts 3)
  --ansible N              run Ansible up to this size (default 10; 0: not at all)
  --record                 add the ratios to bench/history.json
`;

export interface BenchOptions {
  readonly hosts: readonly number[];
  readonly rounds: number | null;
  readonly ansible: number;
}

/** Runs the parts asked for and prints a table of each. Gives the exit code: 1 where a measured run did not do its work. */
export async function bench(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string', default: 'start,mesh,fleet' },
      hosts: { type: 'string', default: '1,10,50' },
      rounds: { type: 'string' },
      ansible: { type: 'string', default: '10' },
      record: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const options: BenchOptions = {
    hosts: values.hosts.split(',').map(Number),
    rounds: values.rounds === undefined ? null : Number(values.rounds),
    ansible: Number(values.ansible),
  };
  const wanted = values.only.split(',');
  const ratios: Ratios = {};
  if (wanted.includes('start')) Object.assign(ratios, await benchStart());
  if (wanted.includes('mesh')) Object.assign(ratios, await benchMesh());
  if (wanted.includes('fleet')) Object.assign(ratios, await benchFleet(options));
  if (values.record) record(ratios);
  return 0;
}

function record(ratios: Ratios): void {
  const file = new URL('./history.json', import.meta.url);
  const history = JSON.parse(readOr(file, '[]')) as unknown[];
  history.push({ node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length, ratios });
  writeFileSync(file, `${JSON.stringify(history, null, 2)}\n`);
}

function readOr(file: URL, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
}
