import { error } from '../lang/diagnostic.ts';
import type { Variables } from '../model/host.ts';
import type { CompiledHost, Task, Trigger } from '../model/task.ts';
import { SECTIONS, type SectionName } from '../playbook/play.ts';
import type { CompileInput } from './compile.ts';
import { compileTask, type MakeTasks, plainTask } from './compile-task.ts';
import type { PreparedPlay, PreparedTask } from './prepare.ts';
import type { Report } from './report.ts';
import { type Scope, unshadowed } from './scope.ts';
import { isChosen } from './tags.ts';
import { IPSEC_TUNNELS } from './tunnel-task.ts';

export interface HostPlace {
  readonly host: string;
  /** What tasks before registered; what this play registers is added. */
  readonly later: Set<string>;
  readonly facts: ReadonlySet<string>;
  readonly makeTunnels: MakeTasks;
  /** Follows the id of each task of the user, where the host has several parts in a play. */
  readonly idSuffix?: string;
  readonly report: Report;
  readonly input: Pick<CompileInput, 'varsOf' | 'options'>;
  readonly playHosts: readonly string[];
  readonly group?: string | undefined;
}

/** The tasks of one host in a play: each section, and after it the handlers that it notified. */
export function compileHost(prepared: PreparedPlay, place: HostPlace): CompiledHost {
  const { play } = prepared;
  const vars = playVariables(prepared, place);
  const tasks = SECTIONS.flatMap((section) => compileSection(prepared, section, vars, place));
  return {
    host: place.host,
    tasks,
    become: play.become,
    ...(play.becomeUser === undefined ? {} : { becomeUser: play.becomeUser }),
    ...(place.group === undefined ? {} : { redundancyGroup: place.group }),
  };
}

/** Ansible's precedence: the inventory, the play, (block, task, loop,) extra variables. */
function playVariables({ play }: PreparedPlay, { host, input, playHosts }: HostPlace): Variables {
  return {
    inventory_hostname: host,
    inventory_hostname_short: host.split('.')[0],
    ansible_play_hosts: playHosts,
    ansible_play_name: play.name,
    ...input.varsOf(host),
    ...play.vars,
    ...input.options.extraVars,
  };
}

function compileSection(
  prepared: PreparedPlay,
  section: SectionName,
  vars: Variables,
  place: HostPlace,
): readonly Task[] {
  const notified = new Map<string, Trigger[]>();
  const run = (one: PreparedTask, id: string, triggers: readonly Trigger[] | null): readonly Task[] => {
    const { task } = one;
    const scope: Scope = {
      vars,
      later: new Set(place.later),
      facts: unshadowed(place.facts, prepared.play.vars),
      fixed: place.input.options.extraVars,
    };
    const make = task.module === IPSEC_TUNNELS ? place.makeTunnels : plainTask;
    const tasks = task.isFaulty
      ? []
      : compileTask(one, { host: place.host, id, triggers, scope, report: place.report }, make);
    if (task.register !== undefined) place.later.add(task.register);
    for (const { name } of task.notify) {
      const earlier = notified.get(name) ?? [];
      notified.set(name, [...earlier, ...tasks.map((made) => ({ task: made.id, on: 'change' as const }))]);
    }
    return tasks;
  };
  const chosen = prepared.sections[section].filter(({ task }) => isChosen(task.tags, place.input.options));
  const suffix = place.idSuffix ?? '';
  const tasks = chosen.flatMap((one) => run(one, `${one.task.id}${suffix}`, null));
  const handlers = prepared.handlers.flatMap((handler, index) => {
    const { name, listen } = handler.task;
    const triggers = [...new Set([name, ...listen])].flatMap((word) => notified.get(word) ?? []);
    if (triggers.length === 0) return [];
    if (handler.task.module === IPSEC_TUNNELS) {
      place.report.add(cannotBeHandler(handler));
      return [];
    }
    return run(handler, `${prepared.play.number}/${section}/handlers/${index}${suffix}`, triggers);
  });
  return [...tasks, ...handlers];
}

function cannotBeHandler({ task }: PreparedTask) {
  const fix = 'write it as a task: it does only what is due anyway';
  return error('handler-module', `${IPSEC_TUNNELS} cannot be a handler`, { span: task.span, fix });
}
