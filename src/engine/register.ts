import type { Variables } from '../model/host.ts';
import type { Task } from '../model/task.ts';

/** What `register` keeps of one task, or of one item of its loop; a command adds `rc`, `stdout`, `stderr`. */
export interface TaskOutcome {
  readonly changed: boolean;
  readonly failed: boolean;
  readonly skipped: boolean;
  readonly [name: string]: unknown;
}

/** The registered variables as they are at one place in the order of tasks. */
export interface ResultRegister {
  /** Goes on by one task; `undefined`: it has yet to run. */
  note(task: Task, result: TaskOutcome | undefined): void;
  known(): Variables;
  /** The task that a variable waits for. */
  awaited(name: string): Task | undefined;
}

export function resultRegister(): ResultRegister {
  const values = new Map<string, unknown>();
  const waiting = new Map<string, Task>();
  const items = new Map<string, (TaskOutcome | undefined)[]>();

  const settle = (name: string, task: Task, value: unknown) => {
    values.delete(name);
    waiting.delete(name);
    if (value === undefined) waiting.set(name, task);
    else values.set(name, value);
  };
  return {
    note: (task, result) => {
      const name = task.register;
      if (name === undefined) return;
      if (task.loop === undefined) return settle(name, task, result);
      const { index, count, item } = task.loop;
      const soFar = index === 0 ? [] : (items.get(name) ?? []);
      soFar.push(result === undefined ? undefined : { ...result, item });
      items.set(name, soFar);
      settle(name, task, soFar.length === count ? ofLoop(soFar) : undefined);
    },
    known: () => Object.fromEntries(values),
    awaited: (name) => waiting.get(name),
  };
}

/** As Ansible sums up a loop. */
function ofLoop(items: readonly (TaskOutcome | undefined)[]): unknown {
  const results = items.filter((item) => item !== undefined);
  if (results.length < items.length) return undefined;
  return {
    results,
    changed: results.some(({ changed }) => changed),
    failed: results.some(({ failed }) => failed),
    skipped: results.every(({ skipped }) => skipped),
  };
}
