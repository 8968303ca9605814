import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Fleet, startFleet } from '../test/support/fleet.ts';
import { canRunFleet } from '../test/support/fleet-needs.ts';
import { type Measured, measureNode, median } from './measure.ts';
import { milliseconds, type Ratios, table, times } from './table.ts';
import { CLI, PLAYBOOK, writeFiles } from './workspace.ts';

const SIZES = [1, 50, 500];
const ROUNDS = 3;
/** Milliseconds. */
const PATIENCE = 1_800_000;

interface Checked extends Measured {
  /** Bytes of the script that reads the host, and of its answer. */
  readonly sent: number;
  readonly received: number;
}

type Results = ReadonlyMap<number, readonly Checked[]>;

/** A hub with few tunnels and one with many, each in sync: what one tunnel more costs a check that finds nothing to do. */
export async function benchHub(rounds: number | null): Promise<Ratios> {
  if (!canRunFleet()) return {};
  const hosts = SIZES.map((count, index) => ({ name: nameOf(count), address: `198.18.0.${10 + index}` }));
  const fleet = await startFleet({ hosts });
  try {
    const applied = new Map<number, Measured>();
    for (const count of SIZES) {
      mkdirSync(workOf(fleet, count));
      writeFiles(workOf(fleet, count), project(fleet, count));
      process.stderr.write(`${nameOf(count)}: bringing its tunnels up\n`);
      const one = await run(fleet, count, ['apply', '--yes', '--no-verify']);
      if (one.code !== 0) throw fault(count, 'apply', one);
      applied.set(count, one);
    }
    const checked = new Map<number, Checked[]>(SIZES.map((count) => [count, []]));
    for (let round = 0; round < (rounds ?? ROUNDS); round += 1) {
      process.stderr.write(`hubs, round ${round + 1} of ${rounds ?? ROUNDS}\n`);
      for (const count of SIZES) checked.get(count)?.push(await check(fleet, count));
    }
    return report(applied, checked, rounds ?? ROUNDS);
  } finally {
    await fleet.stop();
  }
}

async function check(fleet: Fleet, count: number): Promise<Checked> {
  const trace = join(workOf(fleet, count), 'trace.json');
  rmSync(trace, { force: true });
  const traced = await run(fleet, count, ['check', '--trace', trace]);
  const one = await run(fleet, count, ['check']);
  for (const ran of [traced, one])
    if (ran.code !== 0 || !/^1 host in sync/m.test(ran.stdout)) throw fault(count, 'check', ran);
  const events = JSON.parse(readFileSync(trace, 'utf8')) as {
    name: string;
    args?: { sent: number; received: number };
  }[];
  const probe = events.find(({ name, args }) => name === 'probe' && args !== undefined)?.args;
  if (probe === undefined) throw fault(count, 'check', traced);
  return { ...one, ...probe };
}

function run(fleet: Fleet, count: number, argv: readonly string[]): Promise<Measured> {
  const dir = workOf(fleet, count);
  const options = { cwd: dir, env: { NO_COLOR: '1' }, timeout: PATIENCE };
  return measureNode(fleet.controlExec, [CLI, ...argv, '--no-diff', 'site.yml'], options, dir);
}

const nameOf = (count: number) => `hub${count}`;
const workOf = (fleet: Fleet, count: number) => join(fleet.dir, `bench-${nameOf(count)}`);

function fault(count: number, what: string, { code, stdout, stderr }: Measured): Error {
  return new Error(`${what} of ${nameOf(count)}: exit ${code}\n${stdout}\n${stderr}`);
}

function report(applied: ReadonlyMap<number, Measured>, checked: Results, rounds: number): Ratios {
  const [one = 1, few = 50, many = 500] = SIZES;
  const of = (count: number, what: keyof Checked & ('wall' | 'cpu' | 'rss' | 'sent' | 'received')) =>
    median((checked.get(count) ?? []).map((each) => each[what] ?? 0));
  /** What each tunnel beyond the first has added. */
  const each = (count: number, total: (count: number) => number) => (total(count) - total(one)) / (count - one);
  const bytes = (count: number, what: 'sent' | 'received') => [
    String(of(count, what)),
    count === one ? '' : each(count, (size) => of(size, what)).toFixed(0),
  ];
  const time = (count: number, total: (count: number) => number) => [
    milliseconds(total(count)),
    count === one ? '' : `${each(count, total).toFixed(1)} ms`,
  ];
  const rows = SIZES.map((count) => [
    String(count),
    ...time(count, (size) => of(size, 'wall')),
    ...time(count, (size) => of(size, 'cpu')),
    `${of(count, 'rss').toFixed(0)} MiB`,
    ...bytes(count, 'sent'),
    ...bytes(count, 'received'),
    ...time(count, (size) => applied.get(size)?.wall ?? Number.NaN),
  ]);
  process.stdout.write(
    `\nA hub in sync, checked (${rounds} rounds, medians; first apply: once); "each": what a tunnel beyond the first adds\n`,
  );
  const head = ['tunnels', 'wall', 'each', 'CPU here', 'each', 'most memory', 'script', 'each', 'answer', 'each'];
  process.stdout.write(table([...head, 'first apply', 'each'], rows));
  const growth = (total: (count: number) => number) => each(many, total) / each(few, total);
  const ratios: Ratios = {
    'hub: check a tunnel, 500 / 50': growth((size) => of(size, 'wall')),
    'hub: CPU of a check a tunnel, 500 / 50': growth((size) => of(size, 'cpu')),
    'hub: script a tunnel, 500 / 50': growth((size) => of(size, 'sent')),
    'hub: answer a tunnel, 500 / 50': growth((size) => of(size, 'received')),
    'hub: first apply a tunnel, 500 / 50': growth((size) => applied.get(size)?.wall ?? Number.NaN),
  };
  process.stdout.write(`goal: check a tunnel, 500 / 50, below 2x; script and answer 1x\n`);
  for (const [what, ratio] of Object.entries(ratios)) process.stdout.write(`  ${what}: ${times(ratio)}\n`);
  return ratios;
}

/** No address is the beginning of another, which would be worth a warning each. */
function project({ keyFile, host }: Fleet, count: number): Record<string, string> {
  const name = nameOf(count);
  const tunnels = Array.from({ length: count }, (_, index) => {
    const [high, low] = [index >> 7, index & 127];
    const far = `managed: false, address: 198.19.${high}.${100 + low}, network: 10.${1 + high}.${low}.0/24, gateway: 10.${1 + high}.${low}.1`;
    return `  spoke${index}:\n    ends:\n      ${name}: { nickname: ipsec${index} }\n      far${index}: { ${far} }\n`;
  });
  const vars = `{ ansible_host: ${host(name).address}, ansible_user: root, ansible_ssh_private_key_file: ${keyFile}, ipsec_network: 10.0.0.0/24, ipsec_gateway: 10.0.0.1 }`;
  return {
    'inventory/hosts.yml': `all:\n  hosts:\n    ${name}: ${vars}\n`,
    'inventory/tunnels.yml': `defaults: { type: network-to-network, onboot: true, keying: { psk: Key_Value01 } }\ntunnels:\n${tunnels.join('')}`,
    'site.yml': PLAYBOOK,
  };
}
