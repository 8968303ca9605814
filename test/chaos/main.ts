import { parseArgs } from 'node:util';
import { boundariesOf, countSteps, unwritten, written } from './boundaries.ts';
import { faultsOf, faultTrials, hostTrials, hostTrialsOf, openStage, tryAll } from './campaign.ts';
import { privilegesIn } from './host-faults.ts';
import type { HostFaultOutcome } from './host-trials.ts';
import { HOSTS } from './pair.ts';
import type { Outcome } from './trial.ts';

/** `npm run chaos`: prints what was tried and what became of it; exit code 1 where anything was not as it must be. */
export async function chaos(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '300' },
      boundaries: { type: 'string', default: 'steps' },
      twice: { type: 'string', default: '30' },
      pairs: { type: 'string', default: '4' },
      seconds: { type: 'string', default: '86400' },
      'confirm-timeout': { type: 'string', default: '3' },
      cli: { type: 'string' },
      only: { type: 'string' },
      repeat: { type: 'string' },
      'no-host-faults': { type: 'boolean', default: false },
    },
  });
  const { boundaries, repeat } = values;
  if (boundaries !== 'none' && boundaries !== 'steps' && boundaries !== 'programs') {
    throw new Error('--boundaries is none, steps or programs');
  }
  const options = {
    seed: Number(values.seed),
    count: Number(values.count),
    twice: Number(values.twice),
    boundaries,
    pairs: repeat === undefined ? Number(values.pairs) : 1,
    seconds: Number(values.seconds),
    confirmTimeout: Number(values['confirm-timeout']),
    cli: values.cli ?? null,
    only: values.only === undefined ? null : new RegExp(values.only),
  } as const;
  const print = (text: string) => void process.stdout.write(`${text}\n`);
  const end = performance.now() + options.seconds * 1000;
  const left = () => (end - performance.now()) / 1000;

  const stage = await openStage(options);
  try {
    const [first] = stage.pairs;
    if (first === undefined) throw new Error('--pairs is 1 or more');
    if (repeat !== undefined) {
      const outcomes = await tryAll(stage, faultTrials([unwritten(repeat)]), left(), (outcome) =>
        print(shown(outcome)),
      );
      return outcomes.some(({ faults }) => faults.length > 0) ? 1 : 0;
    }
    const steps = await countSteps(first);
    const privileges = privilegesIn(stage.dir);
    if (!privileges.mount) print('not tried, for they need mount(8) as root: disks that are full, a read-only /etc');
    if (!privileges.chattr) print('no chattr +i on this file system: an immutable file by what can be done instead');
    for (const [scenario, of] of Object.entries(steps)) {
      const counts = HOSTS.map((host) => `${host} ${boundariesOf(of[host]).length} (${of[host].length} programs)`);
      print(`step boundaries of ${scenario}: ${counts.join(', ')}`);
    }

    const trials = values['no-host-faults'] ? [] : hostTrialsOf(steps, privileges, options);
    const standing = await tryAll(stage, hostTrials(trials), left(), (outcome, number) => {
      if (outcome.faults.length > 0) print(`${number}/${trials.length} ${shownOfHost(outcome, options.seed)}`);
    });
    const faults = faultsOf(steps, options);
    const outcomes = await tryAll(stage, faultTrials(faults), left(), (outcome, number) => {
      if (outcome.faults.length > 0) print(`${number}/${faults.length} ${shown(outcome)}`);
      else if (number % 25 === 0) print(`${number}/${faults.length}`);
    });
    print(summary(outcomes, standing, trials.length + faults.length));
    return [...standing, ...outcomes].some(({ faults: wrong }) => wrong.length > 0) ? 1 : 0;
  } finally {
    await stage.close();
  }
}

/** One trial, what was not as it must be, and how to have it again. */
export function shown({ fault, faults, hit, exitCode, codes, tunnel }: Outcome): string {
  const drawn = fault.seed === undefined ? '' : ` (seed ${fault.seed})`;
  const lines = [
    `${written(fault)}${drawn}${hit ? '' : ' (too late)'}: exit ${exitCode} ${codes.join()}, ${tunnel}`,
    ...faults,
    ...(faults.length > 0 ? [`repeat: npm run chaos -- --repeat '${written(fault)}'`] : []),
  ];
  return lines.join('\n  ');
}

function shownOfHost({ kind, which, faults }: HostFaultOutcome, seed: number): string {
  const pattern = `^${`${kind}, ${which}`.replaceAll(/[+()./"]/g, '.')}$`;
  return [`${kind}, ${which}`, ...faults, `repeat: npm run chaos -- --seed ${seed} --only '${pattern}'`].join('\n  ');
}

export function summary(outcomes: readonly Outcome[], standing: readonly HostFaultOutcome[], planned: number): string {
  const rows = [
    ...standing.map(({ kind, faults, mixed, tunnel }) => ({ kind, faults, mixed, hit: true, tunnel })),
    ...outcomes.map(({ fault, faults, mixed, hit, tunnel }) => ({ kind: fault.kind, faults, mixed, hit, tunnel })),
  ];
  const lines = [...new Set(rows.map(({ kind }) => kind))].map((kind) => {
    const of = rows.filter((row) => row.kind === kind);
    const count = (test: (row: (typeof rows)[number]) => boolean) => String(of.filter(test).length).padStart(6);
    return [
      kind.padEnd(56),
      count(() => true),
      count(({ hit }) => hit),
      count(({ tunnel }) => tunnel === 'old'),
      count(({ tunnel }) => tunnel === 'new' || tunnel === 'other'),
      count(({ mixed }) => mixed),
      count(({ faults }) => faults.length > 0),
    ].join(' ');
  });
  const mixed = rows.filter((row) => row.mixed).length;
  const wrong = rows.filter(({ faults }) => faults.length > 0).length;
  return [
    `${'fault'.padEnd(56)}  tried    hit    old    new  mixed  wrong`,
    ...lines,
    `${rows.length} faults tried of ${planned}, ${mixed} ended mixed, ${wrong} wrong in any way`,
  ].join('\n');
}
