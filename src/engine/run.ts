import type { Target } from '../model/host.ts';
import { HostState } from '../model/host-state.ts';
import type { CompiledHost, CompiledPlay } from '../model/task.ts';
import type { Transport } from '../transport/transport.ts';
import type { EventListener } from './events.ts';
import { runHost, type StopSignal } from './host-run.ts';
import type { AnyModule } from './module.ts';
import { type RunStop, withOvertime } from './overtime.ts';
import { inParallel } from './parallel.ts';
import type { Redaction } from './present.ts';
import type { HostResult, HostStatus, RunResult } from './result.ts';
import type { Rendering } from './sh.ts';
import type { TimeLimits } from './time-limit.ts';

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
  readonly clock: () => number;
  /** A word of letters and digits that nobody can guess, another one each time. */
  readonly nonce: () => string;
  readonly forks: number;
  readonly stop: StopSignal;
  readonly limits: TimeLimits;
  /** The plans a person has agreed to, by play and host ({@link planKey}); null when nobody was asked. */
  readonly agreed: ReadonlyMap<string, string> | null;
}

export interface RunOutcome extends RunResult {
  /** Every first plan in a form that can be compared, for `agreed`. */
  readonly digests: ReadonlyMap<string, string>;
}

/** Runs the plays, one after another, each on its batches of hosts, each batch in parallel. */
export async function run(input: RunInput): Promise<RunOutcome> {
  const progress = newProgress();
  const { stop, forget } = withOvertime(input.stop, input.limits, (why) => input.emit({ type: 'stopping', why }));
  for (const play of input.plays) {
    if (stop.requested) {
      for (const { host } of play.hosts) progress.leftOut(host, play, stop);
      continue;
    }
    input.emit({ type: 'play-started', play: play.name, hosts: play.hosts.map(({ host }) => host) });
    const end = await runPlay({ ...input, stop }, play, progress);
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

/**
 * What a batch ended that failed: its play, when all of it failed; the whole run, when more of it failed than the play
 * allows. Hosts that an earlier play lost are in no batch, and count for nothing here.
 */
async function runPlay(input: Stoppable, play: CompiledPlay, progress: Progress): Promise<'play' | 'run' | null> {
  for (const batch of batches(play)) {
    const standing = batch.filter(({ host }) => progress.mayGoOn(host));
    await inParallel(standing, input.forks, async (host) => {
      if (input.stop.requested) progress.leftOut(host.host, play, input.stop);
      else await runHostOfPlay(input, play, host, progress);
    });
    const failed = standing.filter(({ host }) => !progress.mayGoOn(host)).length;
    if (failed === 0) continue;
    if (play.anyErrorsFatal === true) return 'run';
    if (play.maxFailPercentage !== undefined && (failed * 100) / standing.length > play.maxFailPercentage) return 'run';
    if (failed === standing.length) return 'play';
  }
  return null;
}

type Stoppable = RunInput & { readonly stop: RunStop };

async function runHostOfPlay(
  input: Stoppable,
  play: CompiledPlay,
  host: CompiledHost,
  progress: Progress,
): Promise<void> {
  const key = planKey(input.plays.indexOf(play), host.host);
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
    clock: input.clock,
    nonce: input.nonce(),
    stop: input.stop,
    limits: input.limits,
    foreseen: progress.foreseen(host.host),
    agreed: input.agreed === null ? null : (input.agreed.get(key) ?? ''),
    changedBefore: progress.hasChanged(host.host),
  });
  progress.add(key, host.host, outcome);
}

/** `serial`: sizes of the batches, the last one repeated. */
function batches(play: CompiledPlay): readonly (readonly CompiledHost[])[] {
  const cut: CompiledHost[][] = [];
  for (let at = 0, index = 0; at < play.hosts.length; index += 1) {
    const size = play.serial[Math.min(index, play.serial.length - 1)] ?? play.hosts.length;
    cut.push(play.hosts.slice(at, at + Math.max(1, size)));
    at += Math.max(1, size);
  }
  return cut;
}

type Progress = ReturnType<typeof newProgress>;

/** What is known of every host over all plays: a host that failed takes no further part. */
function newProgress() {
  const hosts = new Map<string, HostResult>();
  const foreseen = new Map<string, HostState>();
  const digests = new Map<string, string>();
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
      return { hosts: inOrder, interrupted: input.stop.requested, timedOut: timedOut || isLate, digests };
    },
  };
  return book;
}

function combine(before: HostResult, after: HostResult): HostResult {
  const rank: readonly HostStatus[] = ['skipped', 'ok', 'changed', 'failed', 'unreachable'];
  const status = rank.indexOf(after.status) > rank.indexOf(before.status) ? after.status : before.status;
  return { status, error: after.error ?? before.error, tasks: [...before.tasks, ...after.tasks] };
}
