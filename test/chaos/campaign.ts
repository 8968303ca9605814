import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { boundariesOf, everywhere, inTheRestart, randomFault, type Steps } from './boundaries.ts';
import { builtCommandLine } from './command-line.ts';
import { immutable, MOUNTED, type Privileges, STANDING } from './host-faults.ts';
import {
  clockTrial,
  type HostFaultOutcome,
  type HostTrial,
  hostTrial,
  rebootTrial,
  twoAtOnceTrial,
} from './host-trials.ts';
import { HOSTS, openPair, type Pair, prepareTemplate } from './pair.ts';
import { seeded } from './random.ts';
import { type Fault, type Outcome, tryFault } from './trial.ts';

export interface CampaignOptions {
  readonly seed: number;
  /** Faults at seeded random moments. */
  readonly count: number;
  /** Where each fault that severs something is tried: nowhere, at each step boundary, before each program. */
  readonly boundaries: 'none' | 'steps' | 'programs';
  /** Two runs at once, so often. */
  readonly twice: number;
  /** Pairs that are worked on at the same time. */
  readonly pairs: number;
  /** Stops beginning new ones after so long. */
  readonly seconds: number;
  readonly confirmTimeout: number;
  /** A built command line; null: one is made. */
  readonly cli: string | null;
  readonly only: RegExp | null;
}

export interface Stage {
  readonly pairs: readonly Pair[];
  readonly dir: string;
  close(): Promise<void>;
}

/** Pairs of hosts, each with the old tunnel between them. */
export async function openStage(options: Pick<CampaignOptions, 'cli' | 'pairs' | 'confirmTimeout'>): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), 'ipsec-play-chaos-'));
  const cli = options.cli ?? (await builtCommandLine());
  const pairs: Pair[] = [];
  try {
    const template = await prepareTemplate(cli, join(dir, 'template'));
    for (let number = 0; number < options.pairs; number += 1) {
      pairs.push(await openPair(cli, template, join(dir, `pair-${number}`), options.confirmTimeout));
    }
  } catch (fault) {
    await close();
    throw fault;
  }
  return { pairs, dir, close };

  async function close(): Promise<void> {
    for (const pair of pairs) await pair.close();
    rmSync(dir, { recursive: true, force: true });
    if (options.cli === null) rmSync(join(cli, '..'), { recursive: true, force: true });
  }
}

/** Everything that is to be done to a connection, a process or a host in the middle, in a seeded order. */
export function faultsOf(steps: Steps, options: Omit<CampaignOptions, 'cli' | 'pairs'>): readonly Fault[] {
  const { seed, count, boundaries, confirmTimeout, only } = options;
  const faults = [
    ...(boundaries === 'none' ? [] : [...inTheRestart(steps, confirmTimeout), ...everywhere(steps, boundaries)]),
    ...Array.from({ length: count }, (_, index) => randomFault(seed + index, seeded(seed + index), steps)),
  ].filter(({ kind }) => only === null || only.test(kind));
  // So that what there is time for is a fair part of all.
  const random = seeded(seed);
  for (let last = faults.length - 1; last > 0; last -= 1) {
    const other = random.below(last + 1);
    [faults[last], faults[other]] = [faults[other] as Fault, faults[last] as Fault];
  }
  return faults;
}

/** All that is to be wrong with a host itself, or with two operators. */
export function hostTrialsOf(
  steps: Steps,
  { mount, chattr }: Privileges,
  { seed, twice, only }: Pick<CampaignOptions, 'seed' | 'twice' | 'only'>,
): readonly HostTrial[] {
  const faults = [
    ...STANDING,
    ...(mount ? MOUNTED : []),
    ...(chattr ? [immutable('chattr')] : mount ? [immutable('mount')] : []),
  ];
  const middle = (on: 'a' | 'b') =>
    boundariesOf(steps.tunnel[on]).filter((boundary) => /^running\/begun /.test(boundary));
  const random = seeded(seed);
  const [half = ''] = middle('a').slice(Math.floor(middle('a').length / 2));
  return [
    ...faults.flatMap((fault) => HOSTS.map((on) => hostTrial(fault, on))),
    ...HOSTS.flatMap((on) => middle(on).map((boundary) => rebootTrial(on, boundary))),
    ...([6 * 3600, -6 * 3600, 'anywhere'] as const).flatMap((by) =>
      [false, true].map((death) => clockTrial(by, half, death)),
    ),
    ...Array.from({ length: twice }, () => twoAtOnceTrial(random.below(2500))),
  ].filter(({ kind, which }) => only === null || only.test(`${kind}, ${which}`));
}

/** Works through all of them, on each pair one at a time, as long as there is time. */
export async function tryAll<T>(
  { pairs }: Stage,
  trials: readonly ((pair: Pair) => Promise<T>)[],
  seconds: number,
  told: (outcome: T, number: number) => void,
): Promise<readonly T[]> {
  const queue = [...trials];
  const outcomes: T[] = [];
  const end = performance.now() + seconds * 1000;
  await Promise.all(
    pairs.map(async (pair) => {
      while (performance.now() < end) {
        const next = queue.shift();
        if (next === undefined) return;
        const outcome = await next(pair);
        outcomes.push(outcome);
        told(outcome, outcomes.length);
      }
    }),
  );
  return outcomes;
}

export function faultTrials(faults: readonly Fault[]): readonly ((pair: Pair) => Promise<Outcome>)[] {
  return faults.map((fault) => (pair) => tryFault(pair, fault));
}

export function hostTrials(trials: readonly HostTrial[]): readonly ((pair: Pair) => Promise<HostFaultOutcome>)[] {
  return trials.map((trial) => async (pair) => ({
    kind: trial.kind,
    which: trial.which,
    ...(await trial.try(pair)),
  }));
}
