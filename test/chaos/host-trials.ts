import type { Ran } from './command-line.ts';
import { commit } from './faults.ts';
import type { HostFault } from './host-faults.ts';
import { explain, judge } from './judge.ts';
import { HOSTS, type HostName, type Pair, type State } from './pair.ts';
import { codesOf, namedOf, said } from './said.ts';
import { becomesNew, settled } from './trial.ts';

export interface HostFaultOutcome {
  readonly kind: string;
  /** Tells it from others of its kind. */
  readonly which: string;
  readonly tunnel: State | 'mixed';
  /** Everything that is not as it must be. */
  readonly faults: readonly string[];
  readonly mixed: boolean;
}

export interface HostTrial {
  readonly kind: string;
  readonly which: string;
  try(pair: Pair): Promise<Pick<HostFaultOutcome, 'tunnel' | 'faults' | 'mixed'>>;
}

/** Applies a change to a host with the fault, then without: first both ends stay old, with a reason; then both are new. */
export function hostTrial(fault: HostFault, on: HostName): HostTrial {
  const { scenario = 'tunnel' } = fault;
  return {
    kind: fault.name,
    which: `on ${on}`,
    try: async (pair) => {
      await pair.reset();
      const faults: string[] = [];
      const putRight = fault.arrange(pair.hosts[on]);
      let first: Ran;
      try {
        first = await pair.apply(scenario, fault.args);
        if (!(await settled(pair))) faults.push('something still runs on a host after 60 s');
      } finally {
        putRight();
      }
      const tunnel = mustBeOld(pair, first, faults);
      mustBeNamed(first, on, fault.named, faults);
      const mixed = await becomesNew(pair, scenario, faults);
      return { tunnel, faults, mixed: mixed || tunnel === 'mixed' };
    },
  };
}

/** The host boots anew while its files are half new. */
export function rebootTrial(on: HostName, boundary: string): HostTrial {
  return {
    kind: 'a host that is rebooted in the middle',
    which: `on ${on}, at "${boundary}"`,
    try: async (pair) => {
      await pair.reset();
      const faults: string[] = [];
      const host = pair.hosts[on];
      host.tripwire.set({ boundary });
      const run = pair.start('tunnel');
      while (run.isRunning() && !host.tripwire.isReached()) await pause(2);
      if (!host.tripwire.isReached()) faults.push('the run never came to that boundary');
      await commit('reboot the host', { host, run, lasting: 0 });
      host.tripwire.release();
      const first = await run.ended;
      if (!(await settled(pair))) faults.push('something still runs on a host after 60 s');
      host.tripwire.off();
      const tunnel = mustBeOld(pair, first, faults);
      mustBeNamed(first, on, /^[a-z-]+: ./, faults);
      const mixed = await becomesNew(pair, 'tunnel', faults);
      return { tunnel, faults, mixed: mixed || tunnel === 'mixed' };
    },
  };
}

/** A clock that is set by hours in the middle: nothing that is waited for is waited for by the clock. */
export function clockTrial(by: number | 'anywhere', boundary: string, death: boolean): HostTrial {
  const how = by === 'anywhere' ? 'all the time' : `${by / 3600} h`;
  return {
    kind: death ? 'a clock that jumps, and ipsec-play dies' : 'a clock that jumps',
    which: how,
    try: async (pair) => {
      await pair.reset();
      const faults: string[] = [];
      const { a } = pair.hosts;
      a.tripwire.set({ boundary });
      const run = pair.start('tunnel');
      while (run.isRunning() && !a.tripwire.isReached()) await pause(2);
      if (!a.tripwire.isReached()) faults.push('the run never came to that boundary');
      const back = HOSTS.map((name) => pair.hosts[name].tripwire.jump(by));
      if (death) run.kill('SIGKILL');
      const since = performance.now();
      a.tripwire.release();
      const first = await run.ended;
      if (!(await settled(pair))) faults.push('something still runs on a host after 60 s');
      const seconds = (performance.now() - since) / 1000;
      for (const end of back) end();
      a.tripwire.off();
      const verdict = judge(pair);
      const wanted = death ? 'old' : 'new';
      if (verdict.tunnel !== wanted) faults.push(`exit ${first.code}: ${explain(verdict)}: ${said(first.stdout)}`);
      if (!death && first.code !== 0) faults.push(`exit ${first.code}: ${said(first.stdout)}`);
      if (death && seconds < pair.confirmTimeout - 1) faults.push(`the old state was back after ${seconds} s`);
      const mixed = await becomesNew(pair, 'tunnel', faults);
      return { tunnel: verdict.tunnel, faults, mixed: mixed || verdict.tunnel === 'mixed' };
    },
  };
}

/** Two operators who want different things: all that one of them does comes before all that the other does. */
export function twoAtOnceTrial(lead: number): HostTrial {
  return {
    kind: 'two runs at once',
    which: `${lead} ms apart`,
    try: async (pair) => {
      await pair.reset();
      const faults: string[] = [];
      const one = pair.apply('tunnel');
      await pause(lead);
      const ran = await Promise.all([one, pair.applyOther('tunnel')]);
      if (!(await settled(pair))) faults.push('something still runs on a host after 60 s');
      const [first, second] = ran;
      const verdict = judge(pair);
      if (verdict.tunnel === 'mixed') faults.push(`after both: ${explain(verdict)}`);
      const possible = [
        ...(first.code === 0 ? ['new'] : []),
        ...(second.code === 0 ? ['other'] : []),
        ...(first.code !== 0 && second.code !== 0 ? ['old'] : []),
      ];
      if (!possible.includes(verdict.tunnel)) faults.push(`exit ${first.code}, ${second.code}: ${explain(verdict)}`);
      for (const run of ran) {
        const codes = codesOf(run);
        if (run.code !== 0 && codes.length === 0) faults.push(`exit ${run.code} without a host's error: ${run.stderr}`);
        if (codes.some((code) => !REFUSALS.includes(code))) faults.push(`named ${codes.join()}: ${said(run.stdout)}`);
      }
      const order = runsInOrder(pair.swaps());
      if (new Set(order).size !== order.length) faults.push(`interleaved: ${order.join(' ')}`);
      if (order.length === 0 && possible[0] !== 'old') faults.push('nobody has seen a file move into place');
      const mixed = await becomesNew(pair, 'tunnel', faults);
      return { tunnel: verdict.tunnel, faults, mixed: mixed || verdict.tunnel === 'mixed' };
    },
  };
}

/** What one of two may be told, who comes second or goes back for the other. */
const REFUSALS = ['locked', 'other-end', 'changed-meanwhile', 'went-back'];

/** Each run once for each time that it took over from another. */
export function runsInOrder(swaps: readonly string[]): readonly string[] {
  const runs = swaps.map((line) => line.split(' ')[0] ?? '');
  return runs.filter((run, index) => run !== runs[index - 1]);
}

function mustBeOld(pair: Pair, { code }: Ran, faults: string[]): HostFaultOutcome['tunnel'] {
  const verdict = judge(pair);
  if (verdict.tunnel !== 'old') faults.push(`with the fault: ${explain(verdict)}`);
  if (![4, 5].includes(code)) faults.push(`exit ${code}`);
  return verdict.tunnel;
}

function mustBeNamed(ran: Ran, on: HostName, named: RegExp, faults: string[]): void {
  const said = namedOf(ran, on);
  if (!said.some((words) => named.test(words))) faults.push(`${on} is said to have ${said.join(' | ')}, not ${named}`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
