import type { Target } from '../model/host.ts';
import { HostState } from '../model/host-state.ts';
import type { CompiledHost, Task } from '../model/task.ts';
import { ConnectFault, type Transport } from '../transport/transport.ts';
import { applyScript, nextBatch, type Step } from './apply.ts';
import type { EventListener } from './events.ts';
import { factsProbe, RELEASE_FILE, readFacts } from './facts.ts';
import { type Ledger, ledger } from './ledger.ts';
import type { AnyModule, Facts } from './module.ts';
import { planTask, planTasks } from './plan.ts';
import type { Redaction } from './present.ts';
import { probeScript } from './probe.ts';
import { resultRegister } from './register.ts';
import type { HostResult } from './result.ts';
import { openSession, type Session } from './session.ts';
import { type Rendering, readFiles } from './sh.ts';

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
  readonly stop: StopSignal;
  /** What earlier plays of this run will have done to the host; in a check they have not. */
  readonly foreseen: HostState;
  /** The digest of the plan that a person has agreed to; null where nobody was asked. */
  readonly agreed: string | null;
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
    session = await openSession(run.transport, run.target, run.nonce);
    await converge(run, session, book);
  } catch (fault) {
    if (!(fault instanceof ConnectFault)) throw fault;
    book.lost(fault);
  } finally {
    await session?.close();
  }
  const result = book.close();
  run.emit({ type: 'host-finished', play: run.play, host: run.host.host, result });
  return { result, foreseen: book.foreseen, digest: book.digest };
}

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
      return;
    } else if (book.isStuck()) return;
    run.emit({ type: 'host-proving', play: run.play, host: run.host.host });
    const runScoped = HostState.merge([state, ...book.applied(batch)]).runScoped();
    view = await readHost(run, session, book);
    state = view.state.merge(runScoped);
  }
}

interface View extends Arguments {
  readonly state: HostState;
  readonly facts: Facts;
}

interface Arguments {
  readonly args: ReadonlyMap<string, Record<string, unknown>>;
  readonly argFaults: ReadonlyMap<string, string>;
}

/** Reads all that the tasks need; tasks whose arguments come to be known by that are read in a second exchange. */
async function readHost(run: HostRun, session: Session, book: Ledger): Promise<View> {
  const needs = run.host.tasks.flatMap((task) => [...task.when.needs, ...task.args.needs]);
  const before = knownArgs(run, book);
  const first = await exchange(run, session, before.args, book.facts ?? {}, needs);
  book.facts = first.facts;
  const after = knownArgs(run, book);
  const more = new Map([...after.args].filter(([id]) => !before.args.has(id)));
  if (more.size === 0) return { ...after, ...first };
  const second = await exchange(run, session, more, first.facts, []);
  return { ...after, facts: first.facts, state: first.state.merge(second.state) };
}

async function exchange(
  run: HostRun,
  session: Session,
  args: ReadonlyMap<string, Record<string, unknown>>,
  facts: Facts,
  needs: readonly string[],
): Promise<{ state: HostState; facts: Facts }> {
  const probed = run.host.tasks.filter((task) => args.has(task.id));
  const scripts = probed.map((task) => moduleOf(run, task).probe(args.get(task.id), facts));
  for (let attempt = 1; ; attempt += 1) {
    const probe = probeScript([readFiles([RELEASE_FILE]), factsProbe(needs), ...scripts], run.nonce, run.rendering);
    const outputs = probe.read(await session.run(probe.text));
    if (outputs === null) {
      if (attempt < 3) continue;
      throw new ConnectFault('lost', 'a file on the host keeps changing while it is read');
    }
    const [release, uname, ...answers] = outputs;
    const parsed = probed.map((task, index) => {
      const output = answers[index];
      if (output === undefined) throw new Error('a probe has no answer');
      return moduleOf(run, task).parse(output, args.get(task.id));
    });
    return { state: HostState.merge(parsed), facts: readFacts(release?.files.get(RELEASE_FILE), uname?.stdout ?? '') };
  }
}

/** The arguments of every task that can be known by now. */
function knownArgs(run: HostRun, book: Ledger): Arguments {
  const facts = book.variables();
  const results = resultRegister();
  const args = new Map<string, Record<string, unknown>>();
  const argFaults = new Map<string, string>();
  for (const task of run.host.tasks) {
    const vars = task.args.needs.length === 0 ? {} : { ...facts, ...results.known() };
    results.note(task, book.resultOf(task));
    if (task.args.needs.some((name) => vars[name] === undefined)) continue;
    try {
      args.set(task.id, task.args.resolve(vars));
    } catch (fault) {
      argFaults.set(task.id, fault instanceof Error ? fault.message : String(fault));
    }
  }
  return { args, argFaults };
}

/** Streams the changes and reports them as they happen; false when the host must go no further. */
async function applyBatch(
  run: HostRun,
  session: Session,
  book: Ledger,
  view: View,
  batch: readonly Step[],
): Promise<boolean> {
  let pid: number | null = null;
  const terminate = () => {
    if (pid !== null) void session.terminate(pid).catch(() => {});
  };
  const forget = run.stop.onRequest(terminate);
  const stepOf = (id: string) => (id.startsWith('t') ? batch[Number(id.slice(1))] : undefined);
  try {
    await session.run(applyScript(batch, run.modules, view.facts, run.nonce, run.rendering), {
      begin: (id) => {
        const step = stepOf(id);
        if (step) book.begun(step);
      },
      end: (frame) => {
        if (frame.id === 'pid') {
          pid = Number(frame.stdout);
          if (run.stop.requested) terminate();
        }
        const step = stepOf(frame.id);
        if (step) book.ended(step, frame);
      },
    });
  } finally {
    forget();
  }
  return !book.stopsHere();
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

function moduleOf(run: HostRun, task: Task): AnyModule {
  const module = run.modules.get(task.module);
  if (module === undefined) throw new Error(`no module ${task.module}`);
  return module;
}
