import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { benchDelay } from './delay.ts';
import { benchFleet } from './fleet.ts';
import { benchHub } from './hub.ts';
import { benchMany } from './many.ts';
import { benchMesh } from './mesh.ts';
import { benchStart } from './start.ts';
import type { Ratios } from './table.ts';

const PARTS = 'start,mesh,many,delay,hub,fleet';

const USAGE = `npm run bench -- [options]
  --only PART,…            only these parts, of ${PARTS}
  --hosts 1,10,50          sizes of the fleet
  --rounds N               rounds of each size, odd (default: 15, with 50 hosts 5, and in other parts 3)
  --ansible N              run Ansible up to this size, with and without mitogen (default 10; 0: not at all)
  --record                 write the ratios to bench/history/VERSION.json
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
      only: { type: 'string', default: PARTS },
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
  const unknown = wanted.filter((part) => !PARTS.split(',').includes(part));
  if (unknown.length > 0) throw new Error(`there is no part ${unknown.join(', ')}: ${PARTS}`);
  const ratios: Ratios = {};
  if (wanted.includes('start')) Object.assign(ratios, await benchStart());
  if (wanted.includes('mesh')) Object.assign(ratios, await benchMesh());
  if (wanted.includes('many')) Object.assign(ratios, await benchMany(options.rounds));
  if (wanted.includes('delay')) Object.assign(ratios, await benchDelay(options.rounds));
  if (wanted.includes('hub')) Object.assign(ratios, await benchHub(options.rounds));
  if (wanted.includes('fleet')) Object.assign(ratios, await benchFleet(options));
  if (values.record) record(ratios);
  return 0;
}

function record(ratios: Ratios): void {
  const root = new URL('../', import.meta.url);
  const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
  const file = new URL(`bench/history/${version}.json`, root);
  mkdirSync(new URL('.', file), { recursive: true });
  const before = JSON.parse(readOr(file, '{}')) as { ratios?: Ratios };
  // A part that was not run now keeps what an earlier run of this release has found.
  const rounded = Object.fromEntries(Object.entries(ratios).map(([name, ratio]) => [name, Number(ratio.toFixed(2))]));
  const machine = { node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length, load: loadavg()[0] };
  const after = { version, machine, ratios: { ...before.ratios, ...rounded } };
  writeFileSync(file, `${JSON.stringify(after, null, 2)}\n`);
}

function readOr(file: URL, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
}
