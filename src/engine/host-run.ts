import type { Target } from '../model/host.ts';
import { HostState } from '../model/host-state.ts';
import type { CompiledHost } from '../model/task.ts';
import { ConnectFault, type Transport } from '../transport/transport.ts';
import { applyScript, nextBatch, type Step } from './apply.ts';
import type { EventListener } from './events.ts';
import { type Ledger, ledger } from './ledger.ts';
import type { AnyModule } from './module.ts';
import type { RunStop } from './overtime.ts';
import { planTask, planTasks } from './plan.ts';
import type { Redaction } from './present.ts';
import { knownArgs, moduleOf, readHost, type View } from './read-host.ts';
import type { HostResult } from './result.ts';
import { openSession, type Session } from './session.ts';
import type { Rendering } from './sh.ts';
import { HostFault, runInTime, type TimeLimits } from './time-limit.ts';

/** All that a host's run needs; the engine knows no module, transport or reporter but these. */
export interface HostRun {
  readonly command: 'check' | 'apply';
  readonly play: string;
  readonly host: CompiledHost;
  readonly target: Target;
  readonly transport: Transport;
  readonly rendering: Rendering;
  readonly modules: ReadonlyMap<string, AnyModule>;
  readonly redaction: Redaction;
  readonly emit: EventListener;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
  readonly nonce: string;
  readonly stop: RunStop;
  readonly limits: TimeLimits;
  /** What earlier plays of this run will have done to the host; in a check they have not. */
  readonly foreseen: HostState;
  /** The digest of the plan that a person has agreed to; null where nobody was asked. */
  readonly agreed: string | null;
  /** An earlier play of this run has changed the host. */
  readonly changedBefore: boolean;
}

/** Set by SIGINT: the running task ends, nothing after it begins. */
export interface StopSignal {
  readonly requested: boolean;
  /** Calls back once when it is requested; returns how to forget that. */
  onRequest(callback: () => void): () => void;
}

export interface HostRunOutcome {
  readonly result: HostResult;
  readonly foreseen: HostState;
  readonly digest: string;
}

/**
 * One host's way through a play: read, decide, change, and prove by reading again that nothing is left to do. Never
 * rejects because of the host: what goes wrong there is its result.
 */
export async function runHost(run: HostRun): Promise<HostRunOutcome> {
  const book = ledger(run);
  run.emit({ type: 'host-started', play: run.play, host: run.host.host });
  let session: Session | null = null;
  try {
    session = await sessionUnlessStopped(run);
    await converge(run, session, book);
  } catch (fault) {
    if (fault instanceof ConnectFault) book.lost(fault);
    else if (fault instanceof HostFault) book.hostFault(fault.problem);
    else throw fault;
  } finally {
    await session?.close();
  }
  const result = book.close();
  run.emit({ type: 'host-finished', play: run.play, host: run.host.host, result });
  return { result, foreseen: book.foreseen, digest: book.digest };
}

/** Nothing of ours runs on a host that is still being connected to, so it is not waited for. */
async function sessionUnlessStopped(run: HostRun): Promise<Session> {
  const opening = openSession(run.transport, run.target, run.nonce);
  let forget = () => {};
  const stopped = new Promise<'stopped'>((resolve) => {
    // Not at once: a transport that waits between two attempts hears of it too, and knows why the last one failed.
    forget = run.stop.onRequest(() => setImmediate(resolve, 'stopped'));
  });
  const session = await Promise.race([opening, stopped]).finally(() => forget());
  if (session !== 'stopped' && run.stop.overtime === null) return session;
  opening.then((late) => late.close()).catch(() => {});
  throw new HostFault(run.stop.overtime ?? { code: 'interrupted', message: STOPPED_CONNECTING });
}

const STOPPED_CONNECTING = 'the run was stopped while it was being connected to; nothing was done there';

async function converge(run: HostRun, session: Session, book: Ledger): Promise<void> {
  let view = await readHost(run, session, book);
  let state = view.state.merge(run.foreseen);
  const initial = state;
  for (;;) {
    const { decisions, predicted } = planTasks({ ...planning(run, book, view), state, initial });
    book.decided(decisions, predicted);
    if (knownArgs(run, book).args.size > view.args.size) {
      view = await readHost(run, session, book);
      state = view.state.merge(run.foreseen).merge(state.runScoped());
      continue;
    }
    book.planned();
    if (run.command === 'check' || book.stopsHere()) return;

    const batch = nextBatch(run.host.tasks, decisions);
    if (batch.length > 0) {
      const finished = await applyBatch(run, session, book, view, batch);
      if (!finished) return;
    } else if (!book.hasUnknown()) {
      if (book.changedSomething) prove(run, book, view, state, initial);
      book.finish();
      return;
    } else if (book.isStuck()) return;
    run.emit({ type: 'host-proving', play: run.play, host: run.host.host });
    const runScoped = HostState.merge([state, ...book.applied(batch)]).runScoped();
    view = await readHost(run, session, book);
    state = view.state.merge(runScoped);
  }
}

/** Streams the changes and reports them as they happen; false when the host must go no further. */
async function applyBatch(
  run: HostRun,
  session: Session,
  book: Ledger,
  view: View,
  batch: readonly Step[],
): Promise<boolean> {
  const forget = run.stop.onRequest(() => void session.terminate().catch(() => {}));
  const stepOf = (id: string) => (id.startsWith('t') ? batch[Number(id.slice(1))] : undefined);
  const script = applyScript(batch, run.modules, view.facts, run.nonce, run.rendering);
  book.sent(batch);
  let watched: Step | null = null;
  try {
    const { overrun } = await runInTime(session, script, run.limits.timer, (watch) => ({
      begin: (id) => {
        const step = stepOf(id);
        if (step === undefined) return;
        book.begun(step);
        watched = step;
        const seconds = limitOf(step, run);
        watch.start(seconds, () => book.overdue(step, seconds ?? 0));
      },
      end: (frame) => {
        const step = stepOf(frame.id);
        if (step === undefined) return;
        // Its end is told on both streams, and the next one may have begun by then.
        if (watched === step) watch.pause();
        book.ended(step, frame);
      },
    }));
    if (overrun !== null) book.overran(overrun);
  } finally {
    forget();
  }
  return !book.stopsHere();
}

/** Seconds; a task's own `timeout` of 0 means none. */
function limitOf({ task }: Step, { limits }: HostRun): number | null {
  return (task.timeout ?? limits.command) || null;
}

/** The second look: every task must now have nothing to do. */
function prove(run: HostRun, book: Ledger, view: View, state: HostState, initial: HostState): void {
  for (const task of run.host.tasks) {
    const args = view.args.get(task.id);
    if (args === undefined || task.ignoreErrors || !book.isSettled(task)) continue;
    const plan = planTask(task, args, moduleOf(run, task), state, { facts: view.facts, initial });
    if (plan.kind === 'change') book.notSettled(task, plan.diff);
    if (plan.kind === 'blocked') book.fault(task, plan.why);
  }
}

function planning(run: HostRun, book: Ledger, view: View) {
  return {
    tasks: run.host.tasks,
    args: view.args,
    argFaults: view.argFaults,
    modules: run.modules,
    facts: view.facts,
    vars: book.variables(),
    outcomes: book.outcomes,
  };
}
