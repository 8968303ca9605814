import type { Task } from '../model/task.ts';
import { SAY_PID } from './end-tasks.ts';
import type { AnyModule, Facts } from './module.ts';
import type { Decision } from './plan.ts';
import { prelude } from './prelude.ts';
import { type Rendering, render } from './sh.ts';

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

/**
 * One script of all steps, in one function: a shell runs it only when it has read all of it, so that a link that breaks
 * while it is sent leaves nothing half done. Each step is a subshell under `set -e`; the first that fails ends it. TERM
 * lets the running step finish and stops before the next (the shell runs a trap only between commands). The first frame
 * tells the process to send it to.
 */
export function applyScript(
  steps: readonly Step[],
  modules: ReadonlyMap<string, AnyModule>,
  facts: Facts,
  nonce: string,
  rendering: Rendering,
): string {
  const body = steps.map(({ task, decision }, index) => {
    const module = modules.get(task.module);
    if (module === undefined) throw new Error(`no module ${task.module}`);
    const script = render(module.apply(decision.plan.change, decision.args, facts), rendering);
    const onFailure = task.ignoreErrors || task.failedWhen !== undefined ? '' : `; [ "$ip_rc" = 0 ] || return 0`;
    return `[ -z "$ip_stop" ] || return 0
ip_b t${index}; ( set -e
${script}
); ip_rc=$?; ip_e t${index} "$ip_rc"${onFailure}`;
  });
  return `${prelude(nonce)}
ip_stop=; trap 'ip_stop=1' TERM
ip_run() {
${SAY_PID}
${body.join('\n')}
}
ip_run </dev/null; ip_b done; ip_e done 0
`;
}
