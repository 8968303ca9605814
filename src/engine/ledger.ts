import type { Variables } from '../model/host.ts';
import { HostState } from '../model/host-state.ts';
import type { Task } from '../model/task.ts';
import type { ConnectFault } from '../transport/transport.ts';
import { digestOf, isAsAgreed } from './agreed.ts';
import type { Step } from './batch.ts';
import { factVariables } from './facts.ts';
import type { Frame } from './frames.ts';
import type { HostRun } from './host-run.ts';
import { judge, neverChanges, tooLate } from './judge-task.ts';
import { lastKnown } from './last-known.ts';
import {
  backAfter,
  changedMeanwhile,
  heldBy,
  lostAt,
  lostHost,
  NOT_SETTLED,
  notConfirmed,
  notKnown,
  PLAN_CHANGED,
  PUT_BACK,
  SCRIPT_ENDED,
  stopped,
  undoneBy,
} from './ledger-problems.ts';
import type { Facts, FileDiff } from './module.ts';
import { creates, type Decision, foreseenResult, type Outcome } from './plan.ts';
import { problem, taskResult } from './present.ts';
import type { TaskOutcome } from './register.ts';
import type { HostResult, HostStatus, Problem, TaskResult } from './result.ts';
import type { Overrun } from './time-limit.ts';
import type { Trouble } from './transaction/coordination.ts';

/** What is known of a host's tasks at any moment of its run. */
export interface Ledger {
  facts: Facts | null;
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** What the plans of this run predict, all together. */
  readonly foreseen: HostState;
  /** The first plan in a form that can be compared. */
  readonly digest: string;
  readonly changedSomething: boolean;
  /** Facts as variables. */
  variables(): Variables;
  /** What `register` holds of a task: its result, or what its plan foresees. */
  resultOf(task: Task): TaskOutcome | undefined;
  decided(decisions: ReadonlyMap<string, Decision>, predicted: readonly HostState[]): void;
  /** The plan stands: the first one is shown, and held against the one that a person has agreed to. */
  planned(): void;
  /** The host is read from now on. */
  reading(): void;
  /** These are on their way to it. */
  sent(batch: readonly Step[]): void;
  begun(step: Step): void;
  ended(step: Step, frame: Frame): void;
  /** The step takes longer than it may, and will be ended. */
  overdue(step: Step, seconds: number): void;
  /** What became of that. */
  overran(overrun: Overrun): void;
  /** What the steps that succeeded were predicted to leave. */
  applied(batch: readonly Step[]): readonly HostState[];
  /** The task ran or had nothing to do, so that it must be `ok` when the host is read again. */
  isSettled(task: Task): boolean;
  hasUnknown(): boolean;
  /** True when nothing more may be changed on this host. */
  stopsHere(): boolean;
  fault(task: Task, why: string): void;
  notSettled(task: Task, diff: readonly FileDiff[]): void;
  /** Nothing is left to do but what cannot be known; asked twice in a row, that is an error of those tasks. */
  isStuck(): boolean;
  lost(fault: ConnectFault): void;
  /** Something is wrong with the host as a whole. */
  hostFault(problem: Problem): void;
  /** Another host of the transaction cannot be changed, so this one was not. */
  held(trouble: Trouble): void;
  /** The script that was to make the changes is gone from the host, in the middle. */
  scriptEnded(): void;
  /** The host is told that its changes stay. */
  settling(): void;
  /** A file was not overwritten, because somebody else had changed it. */
  changedMeanwhile(step: Step, path: string): void;
  /** Another host of the transaction failed, so that this one goes back. */
  undoneFor(trouble: Trouble): void;
  /** The old state was put back: what failed in that, and what is not as it was (a package that is still there). */
  wentBack(fault: Problem | null, differences: readonly string[]): void;
  /** What is wrong with the host, or with its first task that failed. */
  readonly problem: Problem | null;
  /** A person should know it, whatever comes of the tasks. */
  note(text: string): void;
  /** The host was read again, and nothing is left to do. */
  finish(): void;
  results(): readonly TaskResult[];
  close(): HostResult;
}

export function ledger(run: HostRun): Ledger {
  const results = new Map<string, TaskResult>(
    run.host.tasks.map((task) => [task.id, taskResult(task, run.play, 'skipped', run.redaction)]),
  );
  const tolerated = new Set(run.host.tasks.filter((task) => task.ignoreErrors).map((task) => task.id));
  const outcomes = new Map<string, Outcome>();
  let decisions: ReadonlyMap<string, Decision> = new Map();
  let foreseen = run.foreseen;
  let foresees: readonly HostState[] = [];
  let plans = 0;
  let digest = '';
  let hostError: Problem | null = null;
  let unreachable = false;
  const seen = lastKnown(run.command);
  const starts = new Map<Step, number>();
  let late: { readonly step: Step; readonly seconds: number } | null = null;
  let fruitless = 0;
  let finished = false;
  const notes: string[] = [];

  const put = (task: Task, status: TaskResult['status'], rest: Parameters<typeof taskResult>[4] = {}) => {
    const result = taskResult(task, run.play, status, run.redaction, rest);
    results.set(task.id, result);
    return result;
  };
  const fail = (task: Task, error: Problem, diff: readonly FileDiff[] = []) => put(task, 'failed', { error, diff });
  const failures = () =>
    [...results.values()].filter(
      ({ id, status }) => (status === 'failed' || status === 'blocked') && !tolerated.has(id),
    );

  const record = (task: Task, decision: Decision) => {
    if (decision.kind === 'change') {
      const status = neverChanges(task) ? 'ok' : 'changed';
      put(task, status, { diff: decision.plan.diff, disruptive: decision.plan.disruptive });
    } else if (decision.kind === 'unknown') {
      put(task, 'unknown', { error: notKnown(decision) });
    } else if (decision.kind === 'blocked') put(task, 'blocked', { error: { code: 'blocked', message: decision.why } });
    else if (decision.kind === 'fault') fail(task, { code: 'task-invalid', message: decision.why });
    else put(task, decision.kind);
  };

  const book: Ledger = {
    facts: null,
    outcomes,
    get foreseen() {
      return foreseen;
    },
    get digest() {
      return digest;
    },
    get changedSomething() {
      return [...outcomes.values()].some(({ changed }) => changed);
    },
    variables: () => (book.facts === null ? {} : factVariables(book.facts)),
    resultOf: (task) => outcomes.get(task.id)?.result ?? foreseenResult(decisions.get(task.id)),
    decided: (next, predicted) => {
      decisions = next;
      for (const task of run.host.tasks) {
        const decision = next.get(task.id);
        if (decision !== undefined && results.get(task.id)?.status !== 'failed') record(task, decision);
      }
      foresees = predicted;
    },
    planned: () => {
      if (run.command === 'check') foreseen = HostState.merge([foreseen, ...foresees]);
      plans += 1;
      if (plans > 1) return;
      digest = digestOf(results.values());
      run.emit({ type: 'host-planned', play: run.play, host: run.host.host, tasks: book.results() });
      if (run.agreed !== null && !isAsAgreed(run.agreed, digest, run.changedBefore)) {
        hostError = PLAN_CHANGED;
      }
    },
    reading: seen.reading,
    sent: seen.sent,
    begun: (step) => {
      seen.begun(step);
      starts.set(step, run.clock());
      const result = results.get(step.task.id);
      if (result) run.emit({ type: 'task-started', play: run.play, host: run.host.host, task: result });
    },
    ended: (step, frame) => {
      const ms = elapsed(step);
      const { task, decision } = step;
      const verdict = judge(task, frame, book.variables());
      const created = verdict.result.changed && creates(decision.plan.diff);
      outcomes.set(task.id, { changed: verdict.result.changed, created, result: verdict.result });
      const { diff, disruptive } = decision.plan;
      const error =
        late?.step === step ? tooLate(late.seconds, frame.exitCode === 0 ? 'by itself' : 'ended') : verdict.error;
      const result = put(task, error ? 'failed' : verdict.result.changed ? 'changed' : 'ok', {
        diff,
        disruptive,
        error,
        ms,
      });
      seen.ended(step, result.status);
      run.emit({ type: 'task-finished', play: run.play, host: run.host.host, task: result });
    },
    overdue: (step, seconds) => {
      late = { step, seconds };
    },
    overran: (overrun) => {
      if (late === null) return;
      const { step, seconds } = late;
      const { task, decision } = step;
      const wasRunning = seen.running === step;
      if (wasRunning || overrun === 'left') {
        const error = tooLate(seconds, wasRunning ? overrun : 'partly');
        const result = put(task, 'failed', {
          diff: decision.plan.diff,
          disruptive: decision.plan.disruptive,
          error,
          ms: elapsed(step),
        });
        if (wasRunning) run.emit({ type: 'task-finished', play: run.play, host: run.host.host, task: result });
      }
      const message = results.get(task.id)?.error?.message;
      hostError = { code: 'command-timeout', message: `${task.name}: ${message}` };
    },
    applied: (batch) =>
      batch
        .filter(({ task }) => results.get(task.id)?.status !== 'failed' && outcomes.has(task.id))
        .map(({ decision }) => decision.plan.after),
    isSettled: (task) => {
      const status = results.get(task.id)?.status;
      return outcomes.has(task.id) ? status !== 'failed' : status === 'ok' && decisions.get(task.id)?.kind !== 'change';
    },
    hasUnknown: () => [...decisions.values()].some(({ kind }) => kind === 'unknown'),
    stopsHere: () => hostError !== null || late !== null || failures().length > 0 || run.stop.requested,
    fault: (task, why) => {
      fail(task, { code: 'task-invalid', message: why });
    },
    notSettled: (task, diff) => {
      fail(task, NOT_SETTLED, diff);
    },
    isStuck: () => {
      fruitless += 1;
      if (fruitless < 2) return false;
      for (const task of run.host.tasks) {
        const decision = decisions.get(task.id);
        if (decision?.kind === 'unknown')
          fail(task, { code: 'unresolved', message: `still not known: ${decision.why}` });
      }
      return true;
    },
    lost: (fault) => {
      unreachable = true;
      // Before there was a shell there is nothing that was not seen.
      const known = fault.code === 'lost' || seen.hasSent ? seen.whenLost() : null;
      hostError = lostHost(fault, book.problem, known);
      for (const step of seen.open) {
        const { diff, disruptive } = step.decision.plan;
        const error = lostAt(step === seen.running ? 'in it' : 'after it');
        put(step.task, 'failed', { error, diff, disruptive, ms: elapsed(step) });
      }
      takenBack(notConfirmed(seen.isSettling));
    },
    scriptEnded: () => {
      const [step] = seen.open;
      if (step === undefined) {
        hostError = SCRIPT_ENDED;
        return;
      }
      const { diff, disruptive } = step.decision.plan;
      const result = put(step.task, 'failed', { error: SCRIPT_ENDED, diff, disruptive, ms: elapsed(step) });
      run.emit({ type: 'task-finished', play: run.play, host: run.host.host, task: result });
      hostError = { ...SCRIPT_ENDED, message: `${step.task.name}: ${SCRIPT_ENDED.message}` };
    },
    settling: seen.settling,
    held: (trouble) => {
      // It was stopped like the others.
      if (!run.stop.requested) hostError = heldBy(trouble);
    },
    changedMeanwhile: ({ task, decision }, path) => {
      put(task, 'blocked', { error: changedMeanwhile(path), diff: decision.plan.diff });
    },
    undoneFor: (trouble) => {
      if (!run.stop.requested) hostError = undoneBy(trouble);
    },
    wentBack: (fault, differences) => {
      hostError = backAfter(book.problem ?? stopped(run.stop.overtime, 'before its end'), fault, differences);
      takenBack(PUT_BACK);
    },
    get problem() {
      const [first] = failures();
      if (hostError !== null || first === undefined) return hostError;
      return {
        code: first.error?.code ?? 'task-failed',
        message: `${first.name}: ${first.error?.message ?? 'failed'}`,
      };
    },
    note: (text) => {
      const note = run.redaction.redact(text);
      notes.push(note);
      run.emit({ type: 'host-noted', play: run.play, host: run.host.host, note });
    },
    finish: () => {
      finished = true;
    },
    hostFault: (problem) => {
      hostError = problem;
    },
    results: () => [...results.values()],
    close: () => {
      const failed = failures();
      const plansBlocked = failed[0]?.status === 'blocked';
      if (run.command === 'apply') {
        if (run.stop.requested && hostError === null && failed.length === 0 && !finished && isPendingAnywhere()) {
          hostError = stopped(run.stop.overtime, 'before anything was changed');
        }
        notRun(plansBlocked ? 'nothing was changed on this host' : 'not run');
      }
      const error = book.problem;
      return {
        status: statusOf(failed.length > 0),
        error: error && problem(error, run.redaction),
        ...(notes.length === 0 ? {} : { notes }),
        tasks: [...results.values()],
      };
    },
  };

  const elapsed = (step: Step) => run.clock() - (starts.get(step) ?? run.clock());
  const isPending = (task: Task) => {
    const status = results.get(task.id)?.status;
    return (status === 'changed' && !outcomes.has(task.id)) || status === 'unknown';
  };
  const notRun = (message: string) => {
    for (const task of run.host.tasks) {
      if (!isPending(task)) continue;
      const what =
        unreachable && seen.isUnseen(task.id) ? 'not known to have run: the connection was lost before' : message;
      put(task, 'skipped', { error: { code: 'not-run', message: what } });
    }
  };
  /** What was made does not last. */
  const takenBack = (error: Problem) => {
    for (const task of run.host.tasks) {
      const result = results.get(task.id);
      if (!outcomes.has(task.id) || result?.status !== 'changed') continue;
      results.set(task.id, { ...result, status: 'skipped', error });
    }
  };
  const isPendingAnywhere = () => run.host.tasks.some(isPending);
  const statusOf = (failed: boolean): HostStatus => {
    if (unreachable) return 'unreachable';
    if (failed || hostError !== null) return 'failed';
    return [...results.values()].some(({ status }) => status === 'changed' || status === 'unknown') ? 'changed' : 'ok';
  };
  return book;
}
