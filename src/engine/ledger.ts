import { fromBytes } from '../model/content.ts';
import type { Variables } from '../model/host.ts';
import { HostState } from '../model/host-state.ts';
import type { Task } from '../model/task.ts';
import type { ConnectFault } from '../transport/transport.ts';
import { digestOf, isAsAgreed } from './agreed.ts';
import type { Step } from './apply.ts';
import { factVariables } from './facts.ts';
import type { Frame } from './frames.ts';
import type { HostRun } from './host-run.ts';
import { lastKnown } from './last-known.ts';
import type { Facts, FileDiff } from './module.ts';
import { creates, type Decision, foreseenResult, type Outcome } from './plan.ts';
import { problem, taskResult } from './present.ts';
import type { TaskOutcome } from './register.ts';
import type { HostResult, HostStatus, Problem, TaskResult } from './result.ts';
import type { Overrun } from './time-limit.ts';

const LOST_IN_IT = 'the connection was lost while it ran: it may be half done, or have gone on to its end';
const LOST_AFTER_IT = 'it came to its end, but the connection was lost before its result was known';
const UNFINISHED = 'stopped before its end, and not read again: apply once more to finish it';

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
      put(task, 'unknown', {
        error: { code: 'unknown', message: `not known until ${decision.until}: ${decision.why}` },
      });
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
        hostError = {
          code: 'plan-changed',
          message: 'this host changed after its plan was shown; nothing of this play was done, run it again',
        };
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
      const message = 'it was done, and the host was read again: the change is not there, or something undid it';
      fail(task, { code: 'not-settled', message }, diff);
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
      const fix = fault.fix === undefined ? '' : `. ${fault.fix}`;
      // Before there was a shell there is nothing that was not seen.
      const known = fault.code === 'lost' ? `. ${seen.whenLost()}` : '';
      hostError = { code: fault.code, message: `${fault.message}${fix}${known}` };
      for (const step of seen.open) {
        const { diff, disruptive } = step.decision.plan;
        const message = step === seen.running ? LOST_IN_IT : LOST_AFTER_IT;
        put(step.task, 'failed', { error: { code: 'lost', message }, diff, disruptive, ms: elapsed(step) });
      }
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
      const first = failed[0];
      const plansBlocked = first?.status === 'blocked';
      if (run.command === 'apply') {
        if (run.stop.requested && hostError === null && failed.length === 0 && isHalfDone()) hostError = unfinished();
        notRun(plansBlocked ? 'nothing was changed on this host' : 'not run');
      }
      const error =
        hostError ??
        (first
          ? { code: first.error?.code ?? 'task-failed', message: `${first.name}: ${first.error?.message ?? 'failed'}` }
          : null);
      return {
        status: statusOf(failed.length > 0),
        error: error && problem(error, run.redaction),
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
  const unfinished = (): Problem => {
    const { overtime } = run.stop;
    if (overtime === null) return { code: 'interrupted', message: UNFINISHED };
    return { ...overtime, message: `${overtime.message}: ${UNFINISHED}` };
  };
  const isHalfDone = () => !finished && (book.changedSomething || run.host.tasks.some(isPending));
  const statusOf = (failed: boolean): HostStatus => {
    if (unreachable) return 'unreachable';
    if (failed || hostError !== null) return 'failed';
    return [...results.values()].some(({ status }) => status === 'changed' || status === 'unknown') ? 'changed' : 'ok';
  };
  return book;
}

/** What a task's frame means, the user's `failed_when` and `changed_when` applied. */
function judge(task: Task, frame: Frame, vars: Variables): { result: TaskOutcome; error: Problem | null } {
  const stdout = fromBytes(frame.stdout).replace(/\n$/, '');
  const stderr = fromBytes(frame.stderr).replace(/\n$/, '');
  const raw = {
    rc: frame.exitCode,
    stdout,
    stderr,
    stdout_lines: stdout === '' ? [] : stdout.split('\n'),
    stderr_lines: stderr === '' ? [] : stderr.split('\n'),
    changed: true,
    failed: frame.exitCode !== 0,
    skipped: false,
  };
  const seen = task.register === undefined ? vars : { ...vars, [task.register]: raw };
  try {
    const failed = task.failedWhen === undefined ? raw.failed : task.failedWhen.resolve(seen);
    const changed = !failed && (task.changedWhen === undefined || task.changedWhen.resolve(seen));
    return { result: { ...raw, failed, changed }, error: failed ? failure(frame.exitCode, stdout, stderr) : null };
  } catch (fault) {
    const why = fault instanceof Error ? fault.message : String(fault);
    return { result: { ...raw, failed: true, changed: false }, error: { code: 'task-invalid', message: why } };
  }
}

function failure(exitCode: number, stdout: string, stderr: string): Problem {
  const said = (stderr.trim() === '' ? stdout : stderr).trim();
  return { code: 'task-failed', message: said === '' ? `exit ${exitCode}` : `exit ${exitCode}: ${lastLines(said)}` };
}

/** What is said of a task that took too long; `partly`: it ended, something that it had started did not. */
function tooLate(seconds: number, end: Overrun | 'by itself' | 'partly'): Problem {
  return { code: 'command-timeout', message: `it did not end within ${seconds} s; ${TOO_LATE[end]}` };
}

const TOO_LATE: Readonly<Record<Parameters<typeof tooLate>[1], string>> = {
  ended: 'it was ended, and may be half done',
  'by itself': 'it came to its end before it could be ended',
  partly: 'it was ended, but some of what it started could not be ended and may still be running',
  left: 'it could not be ended, and may still be running',
};

/** `changed_when: false`: it runs, and counts for nothing. */
function neverChanges(task: Task): boolean {
  return task.changedWhen !== undefined && task.changedWhen.needs.length === 0 && !task.changedWhen.resolve({});
}

function lastLines(text: string): string {
  return text.split('\n').slice(-20).join('\n');
}
