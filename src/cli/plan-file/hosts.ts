import { resourceTexts } from '../../engine/resource-texts.ts';
import type { HostResult, RunResult, TaskResult } from '../../engine/result.ts';
import type { RunInput } from '../../engine/run.ts';
import { sortNaturally } from '../../model/natural-order.ts';
import { type PlanDocument, type PlannedTask, sorted } from '../../report/plan-document.ts';
import type { PlanSeal } from '../../secrets/plan-seal.ts';

/** Digests of what the hosts were read to have, by host and by the name of each thing. */
export interface Observed {
  readonly observe: NonNullable<RunInput['observe']>;
  readonly states: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

/** Takes down what is read on every host, as digests. */
export function observed(seal: PlanSeal, redact: (text: string) => string): Observed {
  const states = new Map<string, Readonly<Record<string, string>>>();
  return {
    states,
    observe: (key, state) => {
      const host = key.slice(key.indexOf('/') + 1);
      const read = [...resourceTexts(state)].map(
        ([name, text]) => [redact(name), seal.digest(`${host} ${name}`, text)] as const,
      );
      states.set(host, sorted([...Object.entries(states.get(host) ?? {}), ...read]));
    },
  };
}

/** The hosts of a plan. */
export function plannedHosts({ hosts }: RunResult, { states }: Observed): PlanDocument['hosts'] {
  return Object.fromEntries(
    sortNaturally([...hosts], ([name]) => name).map(([name, { status, tasks }]) => [
      name,
      { status: status === 'changed' ? 'changed' : 'ok', tasks: tasks.map(plannedTask), state: states.get(name) ?? {} },
    ]),
  );
}

/** By host, the names of what is another than when the plan was made. */
export function movedSince(plan: PlanDocument, { states }: Observed): ReadonlyMap<string, readonly string[]> {
  const moved = new Map<string, readonly string[]>();
  for (const [host, now] of states) {
    const before = plan.hosts[host]?.state ?? {};
    const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
    const others = names.filter((name) => before[name] !== now[name]);
    if (others.length > 0) moved.set(host, others);
  }
  return moved;
}

/** By host, the names of the tasks that would now do something else than the plan says. */
export function plannedOtherwise(plan: PlanDocument, { hosts }: RunResult): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const host of new Set([...Object.keys(plan.hosts), ...hosts.keys()])) {
    const before = tasksByText(plan.hosts[host]?.tasks ?? []);
    const after = tasksByText((hosts.get(host)?.tasks ?? []).map(plannedTask));
    const others = [...before, ...after].filter(([text]) => !(before.has(text) && after.has(text)));
    if (others.length > 0) found.set(host, [...new Set(others.map(([, name]) => name))]);
  }
  return found;
}

/** What came of a plan that was not applied, because it does not hold any more on these hosts. */
export function heldBack(result: RunResult, moved: ReadonlyMap<string, readonly string[]>): RunResult {
  const culprits = [...result.hosts].filter(([name, host]) => moved.has(name) || isFailed(host)).map(([name]) => name);
  const hosts = [...result.hosts].map(([name, host]): [string, HostResult] => {
    const names = moved.get(name);
    if (names !== undefined) {
      const message = `not as it was when the plan was made: ${listed(names)}. Nothing was changed on any host: make a new plan`;
      return [name, { status: 'failed', error: { code: 'plan-stale', message }, tasks: [] }];
    }
    if (isFailed(host)) return [name, host];
    const message = `not changed, because the plan does not hold for ${listed(culprits)}`;
    return [name, { status: 'skipped', error: { code: 'plan-held', message }, tasks: [] }];
  });
  return { ...result, hosts: new Map(hosts) };
}

export function isFailed({ status }: HostResult): boolean {
  return status === 'failed' || status === 'unreachable';
}

const LISTED = 12;

export function listed(names: readonly string[]): string {
  const more = names.length - LISTED;
  return `${names.slice(0, LISTED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function tasksByText(tasks: readonly PlannedTask[]): ReadonlyMap<string, string> {
  return new Map(tasks.map((task) => [JSON.stringify(task), task.name]));
}

/** Its keys in the order of the file. */
function plannedTask({ id, play, name, module, tunnel, status, diff, disruptive, error }: TaskResult): PlannedTask {
  return { id, play, name, module, tunnel, status, diff, disruptive, error };
}
