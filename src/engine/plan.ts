import type { Variables } from '../model/host.ts';
import type { HostState } from '../model/host-state.ts';
import type { Task, Trigger } from '../model/task.ts';
import type { AnyModule, Facts, FileDiff, Plan } from './module.ts';
import { type ResultRegister, resultRegister, type TaskOutcome } from './register.ts';

/** What is decided for one task. */
export type Decision =
  | { readonly kind: 'ok' }
  | { readonly kind: 'skipped'; readonly why: string }
  | {
      readonly kind: 'change';
      readonly plan: Extract<Plan<unknown>, { kind: 'change' }>;
      readonly args: Record<string, unknown>;
    }
  | { readonly kind: 'unknown'; readonly until: string; readonly why: string }
  | { readonly kind: 'blocked'; readonly why: string }
  | { readonly kind: 'fault'; readonly why: string };

/** What a task that already ran in this run did. */
export interface Outcome {
  readonly changed: boolean;
  readonly created: boolean;
  readonly result: TaskOutcome;
}

export interface PlanInput {
  readonly tasks: readonly Task[];
  /** Probed arguments by task id; a task that is missing here has arguments that are not known yet. */
  readonly args: ReadonlyMap<string, Record<string, unknown>>;
  /** Why the arguments of a task cannot be made from what is known; no matter as long as its condition is false. */
  readonly argFaults: ReadonlyMap<string, string>;
  readonly modules: ReadonlyMap<string, AnyModule>;
  readonly state: HostState;
  readonly initial: HostState;
  readonly facts: Facts;
  /** Facts as variables. */
  readonly vars: Variables;
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

export interface PlanOutput {
  readonly decisions: ReadonlyMap<string, Decision>;
  /** What the plan predicts, by itself: what it will have changed. */
  readonly predicted: readonly HostState[];
}

/**
 * Decides what must change, task after task, each against what the ones before it will have done. Pure. A task that ran
 * already (it is in `outcomes`) is not decided again.
 */
export function planTasks(input: PlanInput): PlanOutput {
  const decisions = new Map<string, Decision>();
  const results = resultRegister();
  const predicted: HostState[] = [];
  let state = input.state;
  for (const task of input.tasks) {
    const outcome = input.outcomes.get(task.id);
    if (outcome !== undefined) {
      results.note(task, outcome.result);
      continue;
    }
    const decision = decide(task, state, { ...input, decisions, results });
    decisions.set(task.id, decision);
    if (decision.kind === 'change') {
      state = state.merge(decision.plan.after);
      predicted.push(decision.plan.after);
    }
    results.note(task, foreseenResult(decision));
  }
  return { decisions, predicted };
}

/** A task's own plan on a given state, its condition and triggers aside. */
export function planTask(
  task: Task,
  args: Record<string, unknown>,
  module: AnyModule,
  state: HostState,
  context: { facts: Facts; initial: HostState },
): Plan<unknown> {
  return module.plan(args, state, { facts: context.facts, initial: context.initial, taskId: task.id });
}

type Deciding = PlanInput & { decisions: ReadonlyMap<string, Decision>; results: ResultRegister };

function decide(task: Task, state: HostState, input: Deciding): Decision {
  const triggered = triggerState(task.triggers, input);
  if (triggered.kind !== 'pulled') return triggered;
  const awaited = [...task.when.needs, ...task.args.needs].map((name) => input.results.awaited(name)).find(Boolean);
  if (awaited) return { kind: 'unknown', until: awaited.name, why: `it uses the result of "${awaited.name}"` };
  try {
    if (!task.when.resolve({ ...input.vars, ...input.results.known() })) {
      return { kind: 'skipped', why: 'its condition is false' };
    }
  } catch (fault) {
    return { kind: 'fault', why: `when: ${messageOf(fault)}` };
  }
  const fault = input.argFaults.get(task.id);
  if (fault !== undefined) return { kind: 'fault', why: fault };
  const args = input.args.get(task.id);
  if (args === undefined) {
    return { kind: 'unknown', until: 'the host is read again', why: 'its arguments were not known before' };
  }
  const module = input.modules.get(task.module);
  if (module === undefined) throw new Error(`no module ${task.module}`);
  const plan = planTask(task, args, module, state, input);
  return plan.kind === 'change' ? { kind: 'change', plan, args } : plan;
}

function triggerState(triggers: readonly Trigger[] | null, input: Deciding): Decision | { readonly kind: 'pulled' } {
  if (triggers === null) return { kind: 'pulled' };
  let waiting: Decision | null = null;
  for (const { task, on } of triggers) {
    const outcome = input.outcomes.get(task);
    if (outcome !== undefined) {
      if (on === 'created' ? outcome.created : outcome.changed) return { kind: 'pulled' };
      continue;
    }
    const decision = input.decisions.get(task);
    if (decision?.kind === 'change' && (on === 'change' || creates(decision.plan.diff))) return { kind: 'pulled' };
    if (decision?.kind === 'unknown')
      waiting = { kind: 'unknown', until: decision.until, why: 'it runs only if that changes something' };
  }
  return waiting ?? { kind: 'skipped', why: 'nothing it waits for has changed' };
}

/** Whether a change makes something that was not there. */
export function creates(diff: readonly FileDiff[]): boolean {
  return diff.some(({ before, after }) => before === null && after !== null);
}

/** What `register` holds when a task does nothing; undefined when that takes running it. */
export function foreseenResult(decision: Decision | undefined): TaskOutcome | undefined {
  if (decision?.kind === 'ok') return { changed: false, failed: false, skipped: false };
  if (decision?.kind === 'skipped') return { changed: false, failed: false, skipped: true };
  return undefined;
}

function messageOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}
