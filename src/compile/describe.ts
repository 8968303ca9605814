import type { CompiledPlay, Task } from '../model/task.ts';

/** What `ipsec-play tasks` shows: plain data without arguments, so without secrets. */
export interface PlayDescription {
  readonly name: string;
  readonly hosts: readonly { readonly host: string; readonly tasks: readonly TaskDescription[] }[];
}

export interface TaskDescription {
  readonly id: string;
  readonly name: string;
  readonly module: string;
  readonly tunnel: string | null;
  /** `never`: its condition is false already; `depends`: the run will tell. */
  readonly when: 'always' | 'never' | 'depends';
  /** It waits for one of these tasks to change something. */
  readonly after: readonly string[];
}

export function describe(plays: readonly CompiledPlay[]): readonly PlayDescription[] {
  return plays.map(({ name, hosts }) => ({
    name,
    hosts: hosts.map(({ host, tasks }) => ({ host, tasks: tasks.map(describeTask) })),
  }));
}

function describeTask({ id, name, module, tunnel, when, triggers }: Task): TaskDescription {
  return { id, name, module, tunnel, when: whenOf(when), after: triggers?.map(({ task }) => task) ?? [] };
}

function whenOf(when: Task['when']): TaskDescription['when'] {
  if (when.needs.length > 0) return 'depends';
  try {
    return when.resolve({}) ? 'always' : 'never';
  } catch {
    return 'depends';
  }
}
