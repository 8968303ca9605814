import type { Target } from '../model/host.ts';
import { HostState } from '../model/host-state.ts';
import { sortNaturally } from '../model/natural-order.ts';
import type { CompiledHost, CompiledPlay } from '../model/task.ts';
import type { Transport } from '../transport/transport.ts';
import type { EventListener } from './events.ts';
import { runHost, type StopSignal } from './host-run.ts';
import { type HostImpact, hostImpact, impactOf, tunnelsDown } from './impact.ts';
import type { AnyModule } from './module.ts';
import { type RunStop, withOvertime } from './overtime.ts';
import { ownPaths, type Topology } from './own-path.ts';
import { type Aside, inParallel } from './parallel.ts';
import type { Redaction } from './present.ts';
import type { HostResult, HostStatus, Problem, RunResult } from './result.ts';
import { type Canary, schedule, type Wave } from './schedule.ts';
import type { Rendering } from './sh.ts';
import type { TimeLimits } from './time-limit.ts';
import { type Lane, untraced } from './trace.ts';
import { allOrNone, type MemberOf } from './transaction/all-or-none.ts';
import { type CoordinationInput, coordinate, type Member } from './transaction/coordination.ts';
import { type DownBudget, downBudget } from './transaction/down-budget.ts';
import type { Patience } from './transaction/keeper.ts';
import type { TunnelProof } from './tunnel-proof.ts';

export interface RunInput {
  readonly command: 'check' | 'apply';
  readonly plays: readonly CompiledPlay[];
  /** How each host is reached, for a play: become may differ. */
  readonly target: (host: CompiledHost) => Target;
  readonly transport: Transport;
  readonly rendering: (host: string) => Rendering;
  readonly modules: ReadonlyMap<string, AnyModule>;
  readonly redaction: Redaction;
  readonly emit: EventListener;
  /** Where a host tells of its steps; missing: nobody listens. */
  readonly trace?: (host: string) => Lane;
  readonly clock: () => number;
  /** A word of letters and digits that nobody can guess, another one each time. */
  readonly nonce: () => string;
  readonly forks: number;
  readonly stop: StopSignal;
  readonly limits: TimeLimits;
  /** The plans a person has agreed to, by play and host ({@link planKey}); null when nobody was asked. */
  readonly agreed: ReadonlyMap<string, string> | null;
  readonly transaction: TransactionInput;
  /** Where tunnels lead, those too that no play is about. Missing: there are none. */
  readonly topology?: Topology;
  /** Some hosts go alone before the others; missing or null: none. Without effect in a check. */
  readonly canary?: Canary | null;
  /** How many tunnels may be down at a time; missing or null: any number. */
  readonly maxDown?: number | null;
  /** Gets each host as it was read for the first plan of a play, by {@link planKey}. */
  readonly observe?: (key: string, state: HostState) => void;
  /** One host whose plan is not the agreed one, or that fails before it has one, holds back all others. */
  readonly together?: boolean;
}

/** How changes are kept or taken back. */
export interface TransactionInput {
  /** Names the run, here and on the hosts: letters, digits, `-`. */
  readonly id: string;
  /** Who runs this, in lines `key value`, for whoever finds a host locked. */
  readonly owner: readonly string[];
  readonly patience: Patience;
  readonly confirm: 'auto' | 'manual';
  /** Hosts that carry the operator's own path. */
  readonly last: ReadonlySet<string>;
  /** Proves the tunnels that come up, before they are kept; missing: they are not proven. */
  readonly proof?: TunnelProof | null;
}

export interface RunOutcome extends RunResult {
  /** Every first plan in a form that can be compared, for `agreed`. */
  readonly digests: ReadonlyMap<string, string>;
}

/** Runs the plays, one after another, each on its batches of hosts, each batch in parallel. */
export async function run(input: RunInput): Promise<RunOutcome> {
  const progress = newProgress(input.topology ?? NO_TUNNELS);
  const shared = { budget: downBudget(input.maxDown ?? null), ownPath: ownPaths(input.topology ?? NO_TUNNELS) };
  const hold = input.together === true ? allOrNone() : (_hosts: readonly string[], member: MemberOf) => member;
  const { stop, forget } = withOvertime(input.stop, input.limits, (why) => input.emit({ type: 'stopping', why }));
  for (const play of input.plays) {
    if (stop.requested) {
      for (const { host } of play.hosts) progress.leftOut(host, play, stop);
      continue;
    }
    input.emit({ type: 'play-started', play: play.name, hosts: play.hosts.map(({ host }) => host) });
    const end = await runPlay({ ...input, ...shared, stop, hold }, play, progress);
    if (end === 'run') break;
  }
  forget();
  const result = progress.result(input);
  input.emit({ type: 'run-finished', result });
  return result;
}

export function planKey(play: number, host: string): string {
  return `${play}/${host}`;
}

const NO_TUNNELS: Topology = { tunnels: [], addressesOf: () => [], hostsAt: () => [] };

/**
 * What a wave ended that failed: its play, when all of it failed; the whole run, when more of it failed than the play
 * allows, when it was a canary, or when too many tunnels are down. Hosts that an earlier play lost count for nothing here.
 */
async function runPlay(input: Stoppable, play: CompiledPlay, progress: Progress): Promise<'play' | 'run' | null> {
  const plan = schedule(play, input.command === 'apply' ? (input.canary ?? null) : null);
  for (let wave = plan.next(); wave !== null; wave = plan.next()) {
    const { standing, failed, changed } = await runWave(input, play, wave, progress);
    const { spent } = input.budget;
    const isAlone = wave.isCanary && (failed > 0 || (changed && input.transaction.confirm === 'manual'));
    if (spent !== null || isAlone) {
      const problem =
        spent === null ? canaryProblem(wave, failed > 0) : { code: 'max-down', message: `not begun: ${spent}` };
      for (let rest = plan.next(); rest !== null; rest = plan.next()) progress.notBegun(rest, problem);
      return 'run';
    }
    if (wave.isCanary && changed) plan.proven();
    if (failed === 0) continue;
    if (play.anyErrorsFatal === true) return 'run';
    if (play.maxFailPercentage !== undefined && (failed * 100) / standing > play.maxFailPercentage) return 'run';
    if (failed === standing) return 'play';
  }
  return null;
}

function canaryProblem({ hosts }: Wave, failed: boolean): Problem {
  const canary = `the canary (${hosts.map(({ host }) => host).join(', ')})`;
  return failed
    ? { code: 'canary', message: `not begun, because ${canary} failed` }
    : { code: 'canary', message: `not begun: ${canary} waits to be confirmed by hand; apply again after that` };
}

async function runWave(
  input: Stoppable,
  play: CompiledPlay,
  { hosts }: Wave,
  progress: Progress,
): Promise<{ readonly standing: number; readonly failed: number; readonly changed: boolean }> {
  const standing = hosts.filter(({ host }) => progress.mayGoOn(host));
  const coordinated = coordinate(agreement(hosts, play, input));
  // An end that an earlier play lost would leave the other one alone with the change.
  for (const { host } of hosts) if (!progress.mayGoOn(host)) coordinated(host).failed('it failed in an earlier play');
  const names = standing.map(({ host }) => host);
  const member = input.hold(names, coordinated);
  let changed = false;
  await inParallel(standing, input.forks, async (host, aside) => {
    if (!input.stop.requested) {
      const status = await runHostOfPlay(input, play, host, progress, { member: member(host.host), aside });
      changed ||= status === 'changed';
      return;
    }
    progress.leftOut(host.host, play, input.stop);
    member(host.host).failed('it was stopped');
  });
  const failed = standing.filter(({ host }) => !progress.mayGoOn(host)).length;
  return { standing: standing.length, failed, changed };
}

type Stoppable = RunInput & {
  readonly stop: RunStop;
  readonly hold: ReturnType<typeof allOrNone>;
  readonly budget: DownBudget;
  readonly ownPath: ReturnType<typeof ownPaths>;
};

async function runHostOfPlay(
  input: Stoppable,
  play: CompiledPlay,
  host: CompiledHost,
  progress: Progress,
  { member, aside }: { readonly member: Member; readonly aside: Aside },
): Promise<HostStatus> {
  const index = input.plays.indexOf(play);
  const { id, owner, patience, confirm } = input.transaction;
  const key = planKey(index, host.host);
  const outcome = await runHost({
    command: input.command,
    play: play.name,
    host,
    target: input.target(host),
    transport: input.transport,
    rendering: input.rendering(host.host),
    modules: input.modules,
    redaction: input.redaction,
    emit: input.emit,
    trace: input.trace?.(host.host) ?? untraced,
    clock: input.clock,
    nonce: input.nonce(),
    stop: input.stop,
    limits: input.limits,
    foreseen: progress.foreseen(host.host),
    agreed: input.agreed === null ? null : (input.agreed.get(key) ?? ''),
    changedBefore: progress.hasChanged(host.host),
    assess: (decisions, path) => {
      const impact = hostImpact(host.host, host.tasks, decisions, input.ownPath(host.host, path));
      progress.assessed(key, impact);
      const drops = tunnelsDown(impact, input.topology?.tunnels ?? []);
      return { drops, through: impact.path.tunnels, over: impact.path.over };
    },
    observe: (state) => input.observe?.(key, state),
    transaction: {
      id: input.plays.length === 1 ? id : `${id}-${index + 1}`,
      owner,
      patience,
      confirm,
      proof: input.transaction.proof ?? null,
      member,
      aside,
    },
  });
  progress.add(key, host.host, outcome);
  return outcome.result.status;
}

/** Which hosts of a wave have tunnels with each other. */
function agreement(hosts: readonly CompiledHost[], play: CompiledPlay, input: Stoppable): CoordinationInput {
  const tunnels = new Map<string, string[]>();
  for (const { host, tasks } of hosts) {
    for (const tunnel of new Set(tasks.map((task) => task.tunnel))) {
      if (tunnel !== null) tunnels.set(tunnel, [...(tunnels.get(tunnel) ?? []), host]);
    }
  }
  const inTurn = (ends: readonly string[]) => {
    const sorted = [...sortNaturally(ends, (end) => end)];
    return play.beginnersFirst === true ? sorted.reverse() : sorted;
  };
  const ordered = new Map([...tunnels].map(([name, ends]) => [name, inTurn(ends)]));
  return { hosts: hosts.map(({ host }) => host), tunnels: ordered, last: input.transaction.last, budget: input.budget };
}

type Progress = ReturnType<typeof newProgress>;

/** What is known of every host over all plays: a host that failed takes no further part. */
function newProgress(topology: Topology) {
  const hosts = new Map<string, HostResult>();
  const foreseen = new Map<string, HostState>();
  const digests = new Map<string, string>();
  const impacts = new Map<string, HostImpact>();
  let timedOut = false;
  const book = {
    mayGoOn: (host: string) => !['failed', 'unreachable'].includes(hosts.get(host)?.status ?? 'ok'),
    hasChanged: (host: string) => hosts.get(host)?.status === 'changed',
    foreseen: (host: string) => foreseen.get(host) ?? HostState.empty,
    add: (key: string, host: string, outcome: { result: HostResult; foreseen: HostState; digest: string }) => {
      const before = hosts.get(host);
      hosts.set(host, before ? combine(before, outcome.result) : outcome.result);
      foreseen.set(host, outcome.foreseen);
      digests.set(key, outcome.digest);
    },
    assessed: (key: string, impact: HostImpact) => void impacts.set(key, impact),
    /** The wave's turn did not come. */
    notBegun: (wave: Wave, problem: Problem) => {
      for (const { host } of wave.hosts) {
        if (hosts.get(host) === undefined) hosts.set(host, { status: 'skipped', error: problem, tasks: [] });
      }
    },
    /** The host's turn in this play did not come. */
    leftOut: (host: string, play: CompiledPlay, { overtime }: RunStop) => {
      if (overtime === null || !book.mayGoOn(host)) return;
      timedOut = true;
      const before = hosts.get(host);
      const message = `${overtime.message}, and "${play.name}" was not begun on this host`;
      const status: HostStatus = before === undefined || before.status === 'skipped' ? 'skipped' : 'failed';
      hosts.set(host, { status, error: { ...overtime, message }, tasks: before?.tasks ?? [] });
    },
    result: (input: RunInput): RunOutcome => {
      const inOrder = new Map<string, HostResult>();
      for (const { host } of input.plays.flatMap((play) => play.hosts)) {
        inOrder.set(host, hosts.get(host) ?? { status: 'skipped', error: null, tasks: [] });
      }
      const isLate = [...inOrder.values()].some(({ error }) => error?.code === 'total-timeout');
      return {
        hosts: inOrder,
        interrupted: input.stop.requested,
        timedOut: timedOut || isLate,
        impact: impactOf([...impacts.values()], topology),
        digests,
      };
    },
  };
  return book;
}

function combine(before: HostResult, after: HostResult): HostResult {
  const rank: readonly HostStatus[] = ['skipped', 'ok', 'changed', 'failed', 'unreachable'];
  const status = rank.indexOf(after.status) > rank.indexOf(before.status) ? after.status : before.status;
  const notes = [...new Set([...(before.notes ?? []), ...(after.notes ?? [])])];
  return {
    status,
    error: after.error ?? before.error,
    ...(notes.length === 0 ? {} : { notes }),
    tasks: [...before.tasks, ...after.tasks],
  };
}
