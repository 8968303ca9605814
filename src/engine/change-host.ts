import { HostState } from '../model/host-state.ts';
import { nextBatch } from './batch.ts';
import type { HostRun } from './host-run.ts';
import { keep } from './keep-or-take-back.ts';
import type { Ledger } from './ledger.ts';
import { type Link, steady } from './link.ts';
import { makeBatch } from './make-batch.ts';
import { type Decision, planTask, planTasks } from './plan.ts';
import { knownArgs, moduleOf, readHost, type View } from './read-host.ts';
import { timed } from './trace.ts';
import type { Intent } from './transaction/coordination.ts';
import type { HostTransaction } from './transaction/host-transaction.ts';

/** Plans and makes changes until there are none; true where they are kept. */
export async function changeHost(
  run: HostRun,
  link: Link,
  change: HostTransaction,
  book: Ledger,
  first: View,
  initial: HostState,
): Promise<boolean> {
  let view = first;
  let state = initial;
  const raised = new Set<string>();
  for (;;) {
    const decided = run.trace('decide');
    const { decisions, predicted } = planTasks({ ...planning(run, book, view), state, initial });
    book.decided(decisions, predicted);
    decided();
    if (knownArgs(run, book).args.size > view.args.size) {
      view = await readHost(run, change.isOpen ? steady(link) : link, book);
      state = view.state.merge(run.foreseen).merge(state.runScoped());
      continue;
    }
    if (!change.isOpen) run.observe?.(view.state);
    const intent = change.isOpen ? {} : run.assess(decisions, link.path());
    book.planned();
    if (run.command === 'check' || book.stopsHere()) return false;
    if (!change.isOpen && !(await agreeOnPlan(run, book, decisions, intent))) return false;

    const batch = nextBatch(run.host.tasks, decisions);
    if (batch.length > 0) {
      if (!(await makeBatch(run, link, change, book, { view, state, batch }))) return false;
      for (const { task, decision } of batch) {
        if (decision.plan.effect?.tunnel === 'starts' && task.tunnel !== null) raised.add(task.tunnel);
      }
    } else if (!book.hasUnknown()) {
      if (book.changedSomething) prove(run, book, view, state, initial);
      if (book.stopsHere() || !(await keep(run, link, change, book, raised))) return false;
      book.finish();
      return true;
    } else if (book.isStuck()) return false;
    run.emit({ type: 'host-proving', play: run.play, host: run.host.host });
    // That a connection still stands does not prove that a new one can be made.
    if (change.isRisky) await link.renew();
    const runScoped = HostState.merge([state, ...book.applied(batch)]).runScoped();
    view = await readHost(run, steady(link), book);
    state = view.state.merge(runScoped);
  }
}

/** Waits until the hosts at the other ends of the tunnels that change have their plan; false when that cannot be. */
async function agreeOnPlan(
  run: HostRun,
  book: Ledger,
  decisions: ReadonlyMap<string, Decision>,
  intent: Intent,
): Promise<boolean> {
  const changing = run.host.tasks.filter((task) => isChange(decisions.get(task.id)));
  const tunnels = changing.flatMap(({ tunnel }) => (tunnel === null ? [] : [tunnel]));
  const { member, aside } = run.transaction;
  const planned = aside(member.planned([...new Set(tunnels)], intent));
  const trouble = await timed(run.trace, 'wait until all are decided', planned);
  if (trouble !== null) book.held(trouble);
  return trouble === null;
}

function isChange(decision: Decision | undefined): boolean {
  return decision?.kind === 'change' || decision?.kind === 'unknown';
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
