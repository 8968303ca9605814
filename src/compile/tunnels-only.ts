import { allNeeds } from '../lang/template.ts';
import type { Variables } from '../model/host.ts';
import { SECTIONS } from '../playbook/play.ts';
import type { PreparedPlay, PreparedTask } from './prepare.ts';
import { IPSEC_TUNNELS } from './tunnel-task.ts';

/** The play without what is none of its tunnels' business; tasks whose results theirs need stay. */
export function tunnelsOnly(prepared: PreparedPlay, vars: Variables): PreparedPlay {
  const all = SECTIONS.flatMap((section) => prepared.sections[section]);
  const kept = new Set(all.filter(({ task }) => task.module === IPSEC_TUNNELS));
  for (const one of kept) {
    const needs = namesIn(one, { ...vars, ...prepared.play.vars });
    for (const other of all) if (other.task.register !== undefined && needs.has(other.task.register)) kept.add(other);
  }
  const only = (tasks: readonly PreparedTask[]) => tasks.filter((task) => kept.has(task));
  const { pre_tasks, tasks, post_tasks } = prepared.sections;
  return {
    ...prepared,
    sections: { pre_tasks: only(pre_tasks), tasks: only(tasks), post_tasks: only(post_tasks) },
  };
}

function namesIn({ task, when, args, items }: PreparedTask, vars: Variables): ReadonlySet<string> {
  const names = [
    ...when.flatMap(({ holds }) => holds.needs),
    ...args.flatMap(({ value }) => value.needs),
    ...(items?.needs ?? []),
  ];
  return allNeeds(names, { ...vars, ...task.vars });
}
