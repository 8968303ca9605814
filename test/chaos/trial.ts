import { commit, type FaultKind } from './faults.ts';
import { explain, judge } from './judge.ts';
import { HOSTS, type HostName, leftoversOf, type Pair, type Scenario, type State } from './pair.ts';
import { codesOf, said } from './said.ts';
import { atLab } from './stand-ins.ts';
import type { Step, TripAt } from './tripwire.ts';

export interface Fault {
  readonly kind: FaultKind;
  readonly host: HostName;
  readonly scenario: Scenario;
  /** At a boundary, or before the n-th program, that the host comes to; or after how many milliseconds. */
  readonly at: Exclude<TripAt, string> | { readonly ms: number };
  readonly lasting: number;
  /** What it was drawn from. */
  readonly seed?: number;
}

export interface Outcome {
  readonly fault: Fault;
  /** The moment came before the run was over. */
  readonly hit: boolean;
  readonly exitCode: number;
  /** What it was called. */
  readonly codes: readonly string[];
  readonly tunnel: State | 'mixed';
  /** Everything that is not as it must be. */
  readonly faults: readonly string[];
  readonly mixed: boolean;
  readonly seconds: number;
}

/** Applies a change, lets one thing go wrong in it, and looks at what becomes of both ends. */
export async function tryFault(pair: Pair, fault: Fault): Promise<Outcome> {
  const since = performance.now();
  const putRight = await arrange(pair, fault.scenario);
  const host = pair.hosts[fault.host];
  if (!('ms' in fault.at)) host.tripwire.set(fault.at);
  const run = pair.start(fault.scenario);
  const hit = await moment(fault, run.isRunning, () => host.tripwire.isReached());
  if (hit) await commit(fault.kind, { host, run, lasting: fault.lasting });
  host.tripwire.release();
  const first = await run.ended;
  host.wire.mend();

  const faults: string[] = [];
  if (!(await settled(pair))) faults.push('something still runs on a host after 60 s');
  putRight();
  for (const name of HOSTS) pair.hosts[name].tripwire.off();
  const verdict = judge(pair);
  const codes = codesOf(first);
  if (verdict.tunnel === 'mixed') faults.push(`after the fault: ${explain(verdict)}`);
  if (first.code === 0 && verdict.tunnel !== 'new') faults.push(`exit 0, and the tunnel is ${verdict.tunnel}`);
  if (fault.scenario === 'taken-back' && verdict.tunnel !== 'old') faults.push('an ifup that made no policy was kept');
  // A process that was killed says nothing more; any other names what it could not do.
  if (![0, 4, 5, 130, 137].includes(first.code)) faults.push(`exit ${first.code} names no fault of a host`);
  if ([4, 5].includes(first.code) && codes.length === 0) faults.push(`exit ${first.code} without a host's error`);

  const mixedNext = await becomesNew(pair, fault.scenario, faults);
  if (faults.length > 0) faults.push(`the first run: exit ${first.code}: ${said(first.stdout)}${first.stderr}`);
  return {
    fault,
    hit,
    exitCode: first.code,
    codes,
    tunnel: verdict.tunnel,
    faults,
    mixed: verdict.tunnel === 'mixed' || mixedNext,
    seconds: (performance.now() - since) / 1000,
  };
}

/** The next run makes both ends new and leaves nothing but its own backup, and the one after it has nothing to do. */
export async function becomesNew(pair: Pair, scenario: Scenario, faults: string[]): Promise<boolean> {
  const next = await pair.apply(scenario);
  if (next.code !== 0) faults.push(`the next run: exit ${next.code}: ${said(next.stdout)}${next.stderr}`);
  if (!(await settled(pair, 20))) faults.push('after the next run something still runs on a host');
  const verdict = judge(pair);
  if (verdict.tunnel !== 'new') faults.push(`after the next run: ${explain(verdict)}`);
  for (const name of HOSTS) {
    for (const left of leftoversOf(pair.hosts[name])) faults.push(`left on ${name} after the next run: ${left}`);
  }
  const check = await pair.check(scenario);
  if (check.code !== 0) {
    faults.push(`a check after the next run: exit ${check.code}: ${said(check.stdout)}${check.stderr}`);
  }
  return verdict.tunnel === 'mixed';
}

/** The programs that each host starts in a run that nobody disturbs. */
export async function stepsOf(pair: Pair, scenario: Scenario): Promise<Readonly<Record<HostName, readonly Step[]>>> {
  const putRight = await arrange(pair, scenario);
  for (const name of HOSTS) pair.hosts[name].tripwire.set('where');
  const ran = await pair.apply(scenario);
  await settled(pair);
  putRight();
  if ((ran.code === 0) === (scenario === 'taken-back')) {
    throw new Error(`a run without a fault: exit ${ran.code}: ${said(ran.stdout)}${ran.stderr}`);
  }
  return Object.fromEntries(HOSTS.map((name) => [name, pair.hosts[name].tripwire.steps()])) as Record<
    HostName,
    readonly Step[]
  >;
}

/** Both ends are old; gives how to end what is wrong with a host in this scenario. */
async function arrange(pair: Pair, scenario: Scenario): Promise<() => void> {
  await pair.reset();
  if (scenario !== 'taken-back') return () => {};
  const { root } = pair.hosts.a;
  return atLab(root, 'ifup-silent', 'New_Key_02');
}

async function moment({ at }: Fault, isRunning: () => boolean, isReached: () => boolean): Promise<boolean> {
  const end = 'ms' in at ? performance.now() + at.ms : Number.POSITIVE_INFINITY;
  for (;;) {
    if (!isRunning()) return false;
    if ('ms' in at ? performance.now() >= end : isReached()) return true;
    await pause(2);
  }
}

/** Waits until nobody works on the hosts any more: no script, and no watchdog. */
export async function settled(pair: Pair, seconds = 60): Promise<boolean> {
  const end = performance.now() + seconds * 1000;
  while (HOSTS.some((name) => pair.hosts[name].processes().length > 0)) {
    if (performance.now() > end) return false;
    await pause(100);
  }
  return true;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
