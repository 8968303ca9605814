import type { Task } from '../model/task.ts';
import type { Decision } from './plan.ts';

export interface Step {
  readonly task: Task;
  readonly decision: Extract<Decision, { kind: 'change' }>;
}

/**
 * The steps that may be sent together: all changes up to the first task that has to wait for one of them. A task with
 * `failed_when` ends the batch, because only this side can say whether to go on.
 */
export function nextBatch(tasks: readonly Task[], decisions: ReadonlyMap<string, Decision>): readonly Step[] {
  const batch: Step[] = [];
  for (const task of tasks) {
    const decision = decisions.get(task.id);
    if (decision === undefined) continue;
    if (decision.kind === 'unknown') break;
    if (decision.kind !== 'change') continue;
    batch.push({ task, decision });
    if (task.failedWhen !== undefined) break;
  }
  return batch;
}
