import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Fleet, startFleet } from '../test/support/fleet.ts';
import type { FleetHost } from '../test/support/fleet-host.ts';
import { canRunFleet } from '../test/support/fleet-needs.ts';
import { needs } from '../test/support/needs.ts';
import { ansible, mitogenPlugins } from './ansible.ts';
import { type Arena, type Contestant, STEPS, type Step } from './contestant.ts';
import { floor } from './floor.ts';
import { assertApplied, assertFresh, router } from './hosts.ts';
import { ipsecPlay } from './ipsec-play.ts';
import type { BenchOptions } from './main.ts';
import { type Measured, median } from './measure.ts';
import { pristine } from './pristine.ts';
import { milliseconds, type Ratios, table, times } from './table.ts';

/** The same work on the same hosts by each of the contestants, in turn. */
export async function benchFleet(options: BenchOptions): Promise<Ratios> {
  if (!canRunFleet()) return {};
  const most = Math.max(...options.hosts);
  process.stderr.write(`starting ${most} hosts, each with a root and an sshd of its own\n`);
  const fleet = await startFleet({ hosts: Array.from({ length: most }, (_, index) => router(index)) });
  try {
    const ratios: Ratios = {};
    for (const count of options.hosts) Object.assign(ratios, await benchSize(fleet, count, options));
    return ratios;
  } finally {
    await fleet.stop();
  }
}

type Results = ReadonlyMap<string, Readonly<Record<Step, Measured[]>>>;

async function benchSize(fleet: Fleet, count: number, options: BenchOptions): Promise<Ratios> {
  const rounds = options.rounds ?? (count > 10 ? 5 : 15);
  const withAnsible = count <= options.ansible && needs('ansible-playbook');
  const make: ((arena: Arena) => Contestant)[] = [ipsecPlay, floor];
  if (withAnsible)
    make.push(
      (arena) => ansible(arena, 'default'),
      (arena) => ansible(arena, 'tuned'),
    );
  if (withAnsible && hasMitogen()) make.push((arena) => ansible(arena, 'mitogen'));
  const contestants = make.map((one, index) => {
    const dir = join(fleet.dir, `bench-${count}-${index}`);
    mkdirSync(dir);
    return one({ fleet, count, dir });
  });
  const hosts = Array.from({ length: count }, (_, index) => fleet.host(router(index).name));
  const originals = hosts.map(({ root }) => pristine(root));
  const results = new Map(
    contestants.map(({ name }) => [
      name,
      { check: [], 'first apply': [], 'no-op apply': [] } as Record<Step, Measured[]>,
    ]),
  );

  for (let round = 0; round < rounds; round += 1) {
    process.stderr.write(`${count} host${count === 1 ? '' : 's'}, round ${round + 1} of ${rounds}\n`);
    const here = contestants.filter((one) => round < (one.rounds ?? rounds));
    // Each begins as often as any other: what comes first finds other caches than what comes last.
    const turn = round % here.length;
    for (const one of [...here.slice(turn), ...here.slice(0, turn)]) {
      for (const original of originals) original.restore();
      for (const step of one.steps) results.get(one.name)?.[step].push(await inEarnest(one, step, hosts));
    }
  }
  for (const original of originals) original.restore();
  return report(count, rounds, contestants, results);
}

let told = false;

/** Says so once where it is left out. */
function hasMitogen(): boolean {
  if (mitogenPlugins() !== null) return true;
  if (!told) process.stderr.write('skipped: Python has no ansible_mitogen here\n');
  told = true;
  return false;
}

/** Runs a step and makes sure that the hosts are then as they must be. */
export async function inEarnest(one: Contestant, step: Step, hosts: readonly FleetHost[]): Promise<Measured> {
  const who = `${one.name}'s ${step}`;
  const files = () => (step === 'first apply' ? [] : hosts.map(filesOf));
  if (step !== 'no-op apply') for (const host of hosts) assertFresh(host, who);
  const before = files();
  const measured = await one.run(step);
  const after = files();
  if (step !== 'check') for (const host of hosts) assertApplied(host, who);
  const touched = before.findIndex((text, index) => text !== after[index]);
  if (touched !== -1) throw new Error(`${who} changed ${hosts[touched]?.name}`);
  return measured;
}

/** Without temporary folders: Ansible leaves some in root's home. */
function filesOf(host: FleetHost): string {
  const own = host.snapshot().filter((line) => !/^(root|tmp|var\/tmp)\b/.test(line));
  return own.join('\n');
}

/** A check is set against the floor's no-op apply: neither changes anything. */
const AGAINST: Readonly<Record<Step, Step>> = {
  check: 'no-op apply',
  'first apply': 'first apply',
  'no-op apply': 'no-op apply',
};

function report(count: number, rounds: number, contestants: readonly Contestant[], results: Results): Ratios {
  const ratios: Ratios = {};
  const rows: string[][] = [];
  for (const step of STEPS) {
    const base = results.get('floor')?.[AGAINST[step]] ?? [];
    const ratio = (all: readonly Measured[], what: 'wall' | 'cpu') =>
      median(all.map((one, round) => one[what] / (base[round]?.[what] ?? Number.NaN)));
    for (const { name } of contestants) {
      const all = results.get(name)?.[step] ?? [];
      if (all.length === 0) continue;
      const label = `${count} ${step} ${name}`;
      if (name !== 'floor') {
        ratios[label] = ratio(all, 'wall');
        ratios[`${label} cpu`] = ratio(all, 'cpu');
      }
      rows.push([
        step,
        name,
        milliseconds(median(all.map((one) => one.wall))),
        times(ratio(all, 'wall')),
        milliseconds(median(all.map((one) => one.cpu))),
        times(ratio(all, 'cpu')),
      ]);
    }
  }
  const hosts = `${count} host${count === 1 ? '' : 's'}`;
  const goal = `goals: first apply 2.5x, else ${count === 1 ? '1.5x' : '1.2x'}`;
  process.stdout.write(`\n${hosts}, against the floor (${rounds} rounds, medians of wall, CPU and ratios; ${goal})\n`);
  process.stdout.write(table(['step', 'by', 'wall', 'ratio', 'CPU here', 'ratio'], rows));
  return ratios;
}
