import type { HostResult, RunResult } from '../engine/result.ts';
import type { PlanDocument, PlannedTask } from './plan-document.ts';

/** A task of a plan that will do something, or may. */
export interface PendingTask {
  readonly host: string;
  readonly task: PlannedTask;
}

export function pendingTasks({ hosts }: PlanDocument): readonly PendingTask[] {
  return Object.entries(hosts).flatMap(([host, { tasks }]) =>
    tasks.filter(({ status }) => status === 'changed' || status === 'unknown').map((task) => ({ host, task })),
  );
}

/** The plan as a check would have given it. */
export function asCheck({ hosts, impact }: PlanDocument): RunResult {
  const results = Object.entries(hosts).map(([name, { status, tasks }]): [string, HostResult] => [
    name,
    { status, error: null, tasks: tasks.map((task) => ({ ...task, ms: 0 })) },
  ]);
  return { hosts: new Map(results), interrupted: false, timedOut: false, impact };
}

/** What was said on the command line, in its form. */
export function optionWords({ options }: PlanDocument): string {
  const { inventory, limit, shard, tags, skipTags, extraVars, become, lab } = options;
  const words = [
    `-i ${inventory}`,
    ...(limit === null ? [] : [`--limit ${limit}`]),
    ...(shard === null ? [] : [`--shard ${shard}`]),
    ...(tags.length === 0 ? [] : [`--tags ${tags.join()}`]),
    ...(skipTags.length === 0 ? [] : [`--skip-tags ${skipTags.join()}`]),
    ...(extraVars === null ? [] : ['--extra-vars …']),
    ...(become ? ['--become'] : []),
    ...(lab ? ['--lab'] : []),
  ];
  return words.join(' ');
}

export function windowWords({ window }: PlanDocument): string {
  const { notBefore, notAfter } = window;
  if (notBefore === null && notAfter === null) return 'at any time';
  return [
    ...(notBefore === null ? [] : [`from ${shownTime(notBefore)}`]),
    ...(notAfter === null ? [] : [`until ${shownTime(notAfter)}`]),
  ].join(' ');
}

/** `2026-11-22 22:00:00 UTC` */
export function shownTime(time: string): string {
  return /^\d{4}-/.test(time) ? `${time.slice(0, 19).replace('T', ' ')} UTC` : time;
}
