import { condition, opened, template } from '../lang/template.ts';
import type { Deferred } from '../model/task.ts';
import type { Argument, Condition, Play, PlayTask, SectionName } from '../playbook/play.ts';
import { SECTIONS } from '../playbook/play.ts';
import type { ModuleSpec } from '../playbook/registry.ts';
import { parsed } from './scope.ts';

/** A task whose templates are parsed, once for all hosts. */
export interface PreparedTask {
  readonly task: PlayTask;
  readonly spec: ModuleSpec | undefined;
  readonly name: Deferred<unknown>;
  readonly args: readonly { readonly arg: Argument; readonly value: Deferred<unknown> }[];
  readonly when: readonly PreparedCondition[];
  readonly items: Deferred<unknown> | null;
}

interface PreparedCondition {
  readonly condition: Condition;
  readonly holds: Deferred<boolean>;
}

export interface PreparedPlay {
  readonly play: Play;
  readonly sections: Readonly<Record<SectionName, readonly PreparedTask[]>>;
  readonly handlers: readonly PreparedTask[];
}

export function preparePlay(play: Play, specOf: (module: string) => ModuleSpec | undefined): PreparedPlay {
  const all = (tasks: readonly PlayTask[]) => tasks.map((task) => prepareTask(task, specOf(task.module)));
  const { pre_tasks, tasks, post_tasks } = play.sections;
  return {
    play,
    sections: { pre_tasks: all(pre_tasks), tasks: all(tasks), post_tasks: all(post_tasks) },
    handlers: all(play.handlers),
  };
}

/** Every task and handler, in the order in which they stand in the run. */
export function allTasks({ sections, handlers }: PreparedPlay): readonly PreparedTask[] {
  return [...SECTIONS.flatMap((section) => sections[section]), ...handlers];
}

function prepareTask(task: PlayTask, spec: ModuleSpec | undefined): PreparedTask {
  const { loop } = task;
  return {
    task,
    spec,
    name: parsed(() => template(task.name)),
    args: task.args.map((arg) => ({ arg, value: argumentValue(arg.value) })),
    when: task.when.map((one) => ({ condition: one, holds: parsed(() => condition(one.text)) })),
    items: loop === undefined ? null : parsed(() => template(loop.items)),
  };
}

/** Modules take secrets, and know nothing of vaults. */
function argumentValue(value: unknown): Deferred<unknown> {
  const { needs, resolve } = parsed(() => template(value));
  return { needs, resolve: (vars) => opened(resolve(vars)) };
}
