import { FAULTS, type FaultKind } from './faults.ts';
import { HOSTS, type HostName, type Pair, type Scenario } from './pair.ts';
import type { Random } from './random.ts';
import { type Fault, stepsOf } from './trial.ts';
import type { Step } from './tripwire.ts';

export type Steps = Readonly<Record<Campaigned, Readonly<Record<HostName, readonly Step[]>>>>;
type Campaigned = (typeof CAMPAIGNED)[number];

/** A change of one tunnel, one with a restart of the network, and one that is taken back: its way back has steps, too. */
const CAMPAIGNED = ['tunnel', 'network-restart', 'taken-back'] as const satisfies readonly Scenario[];

/** What is tried at each boundary. */
const SEVERED: readonly FaultKind[] = [
  'cut the connection',
  'kill the sshd session',
  'kill the controller',
  'kill the script',
];

export async function countSteps(pair: Pair): Promise<Steps> {
  const steps: Partial<Record<Campaigned, Steps[Campaigned]>> = {};
  for (const scenario of CAMPAIGNED) steps[scenario] = await stepsOf(pair, scenario);
  return steps as Steps;
}

/** Each place where a run's state, journal or marks have moved on, once. */
export function boundariesOf(steps: readonly Step[]): readonly string[] {
  return [...new Set(steps.map(({ boundary }) => boundary))];
}

/** Every fault that severs something, at every boundary of every host; or before every program that it starts. */
export function everywhere(steps: Steps, at: 'steps' | 'programs'): readonly Fault[] {
  return CAMPAIGNED.flatMap((scenario) =>
    HOSTS.flatMap((host) => {
      const of = steps[scenario][host];
      const places =
        at === 'steps' ? boundariesOf(of).map((boundary) => ({ boundary })) : of.map((_, n) => ({ step: n + 1 }));
      return places.flatMap((place, index) =>
        SEVERED.map((kind): Fault => ({ kind, host, scenario, at: place, lasting: 500 + ((index * 700) % 5000) })),
      );
    }),
  );
}

/** The network goes while it restarts, before each program of it: for a moment, and for longer than the watchdog waits. */
export function inTheRestart(steps: Steps, confirmTimeout: number): readonly Fault[] {
  const lasting = [500, (confirmTimeout + 4) * 1000];
  return HOSTS.flatMap((host) =>
    steps['network-restart'][host].flatMap(({ boundary }, index) =>
      boundary.endsWith(' service')
        ? (['cut the network for a while', 'let nothing through for a while'] as const).map((kind, other) => ({
            kind,
            host,
            scenario: 'network-restart' as const,
            at: { step: index + 1 },
            lasting: lasting[(index + other) % 2] ?? 500,
          }))
        : [],
    ),
  );
}

export function randomFault(seed: number, random: Random, steps: Steps): Fault {
  const scenario = random.pick<Campaigned>(['tunnel', 'network-restart', 'taken-back']);
  const host = random.pick(HOSTS);
  const kind = random.pick(FAULTS);
  // Half of them between two exact programs, half at any time.
  const at =
    random.below(2) === 0 ? { step: 1 + random.below(steps[scenario][host].length) } : { ms: 250 + random.below(2500) };
  return { kind, host, scenario, at, lasting: 200 + random.below(6000), seed };
}

/** A fault as text, and back: what `--repeat` takes. */
export function written({ kind, host, scenario, at, lasting }: Fault): string {
  const [how, what] =
    'step' in at ? ['step', at.step] : 'ms' in at ? ['ms', at.ms] : (['boundary', at.boundary] as const);
  return [kind, host, scenario, how, what, lasting].join('|');
}

export function unwritten(text: string): Fault {
  const [kind, host, scenario, how, what = '', lasting] = text.split('|');
  const isKnown =
    FAULTS.some((known) => known === kind) &&
    HOSTS.some((known) => known === host) &&
    CAMPAIGNED.some((known) => known === scenario);
  if (!isKnown) throw new Error(`no such fault: ${text}`);
  const at = how === 'step' ? { step: Number(what) } : how === 'ms' ? { ms: Number(what) } : { boundary: what };
  return {
    kind: kind as FaultKind,
    host: host as HostName,
    scenario: scenario as Scenario,
    at,
    lasting: Number(lasting),
  };
}
