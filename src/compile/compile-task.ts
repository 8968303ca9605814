import { error } from '../lang/diagnostic.ts';
import { diagnostic } from '../lang/schema.ts';
import { condition, faultDiagnostic, hasTemplate, TemplateFault } from '../lang/template.ts';
import { Secret } from '../model/secret.ts';
import { type Deferred, known, type Task, type Trigger } from '../model/task.ts';
import type { Argument, Condition } from '../playbook/play.ts';
import type { ModuleSpec } from '../playbook/registry.ts';
import { checkArguments } from './check-arguments.ts';
import { coerce } from './coerce.ts';
import type { PreparedTask } from './prepare.ts';
import type { Report } from './report.ts';
import { failing, parsed, type Scope, type Settled, settle, unshadowed } from './scope.ts';

/** What a task gets from its place in the run of one host. */
export interface Place {
  readonly host: string;
  readonly id: string;
  readonly triggers: readonly Trigger[] | null;
  readonly scope: Scope;
  readonly report: Report;
}

/** What all tasks that come of one task of the user have in common. */
export type Frame = Pick<Task, 'when' | 'ignoreErrors' | 'tags'> &
  Partial<Pick<Task, 'register' | 'changedWhen' | 'failedWhen' | 'timeout' | 'loop'>>;

export type Args = Readonly<Record<string, unknown>>;

/** Makes the tasks of one item of the loop (or of the one time that a task without loop runs). */
export type MakeTasks = (prepared: PreparedTask, place: Place, frame: Frame, args: Deferred<Args>) => readonly Task[];

/** Compiles one task of a play for one host: one task, or with a loop one for each item. */
export function compileTask(prepared: PreparedTask, place: Place, make: MakeTasks): readonly Task[] {
  const { task } = prepared;
  const scope = within(place.scope, task.vars);
  if (task.loop === undefined || prepared.items === null)
    return oneItem(prepared, { ...place, scope }, make, undefined);
  const items = loopItems(prepared, { ...place, scope });
  if (items === null) return [];
  const { variable, indexVariable } = task.loop;
  return items.flatMap((item, index) => {
    const vars = { [variable]: item, ...(indexVariable === undefined ? {} : { [indexVariable]: index }) };
    const loop = { index, count: items.length, item };
    return oneItem(prepared, { ...place, id: `${place.id}[${index}]`, scope: within(scope, vars) }, make, loop);
  });
}

/** The engine's ordinary task. */
export const plainTask: MakeTasks = (prepared, place, frame, args) => [
  {
    ...frame,
    id: place.id,
    name: nameOf(prepared, place, frame),
    module: prepared.task.module,
    args,
    tunnel: null,
    triggers: place.triggers,
    span: prepared.task.span,
  },
];

function oneItem(prepared: PreparedTask, place: Place, make: MakeTasks, loop: Task['loop']): readonly Task[] {
  const { task } = prepared;
  const when = compileWhen(prepared, place);
  const { register } = task;
  const judged = { ...place, scope: laterToo(place.scope, register) };
  const frame: Frame = {
    when: when ?? known(true),
    ignoreErrors: task.ignoreErrors,
    tags: task.tags,
    ...(register === undefined ? {} : { register }),
    ...(task.changedWhen === undefined ? {} : { changedWhen: judgement(task.changedWhen, judged) }),
    ...(task.failedWhen === undefined ? {} : { failedWhen: judgement(task.failedWhen, judged) }),
    ...(task.timeout === undefined ? {} : { timeout: task.timeout }),
    ...(loop === undefined ? {} : { loop }),
  };
  const skipped = frame.when.needs.length === 0 && !frame.when.resolve({});
  const args = skipped ? NEVER : compileArgs(prepared, place);
  return args === null ? [] : make(prepared, place, frame, args);
}

/** Arguments that nobody asks for: the condition is false, so the host need not even be probed for them. */
export const NEVER: Deferred<Args> = { needs: ['(skipped)'], resolve: () => ({}) };

/** The user's condition; null when it is faulty, which is reported. As in Ansible, what follows a false one is not looked at. */
function compileWhen({ when }: PreparedTask, place: Place): Deferred<boolean> | null {
  const later: Deferred<boolean>[] = [];
  for (const { condition: written, holds } of when) {
    const settled = settle(holds, place.scope);
    if (settled.kind === 'later') later.push(settled.deferred);
    else if (settled.kind === 'known' && !settled.value) return known(false);
    else if (settled.kind === 'fault') {
      if (later.length === 0) {
        place.report.add(faultDiagnostic(settled.fault, written.span), place.host);
        return null;
      }
      later.push(failing(settled.fault));
    }
  }
  if (later.length === 0) return known(true);
  return {
    needs: [...new Set(later.flatMap(({ needs }) => needs))],
    resolve: (vars) => later.every((one) => one.resolve(vars)),
  };
}

/** `changed_when` and `failed_when`: asked with the task's own result, so it is among what is known later. */
function judgement(conditions: readonly Condition[], place: Place): Deferred<boolean> {
  const settled = settle(
    parsed(() => condition(conditions.map(({ text }) => (/^(true|false)$/.test(text) ? text === 'true' : text)))),
    place.scope,
  );
  if (settled.kind === 'later') return settled.deferred;
  if (settled.kind === 'fault') place.report.add(faultDiagnostic(settled.fault, conditions[0]?.span), place.host);
  return known(settled.kind === 'known' && settled.value);
}

function compileArgs({ spec, args, task }: PreparedTask, place: Place): Deferred<Args> | null {
  const schema = spec?.args as object | undefined;
  const settled = args.map(({ arg, value }) => ({ arg, value: settle(value, place.scope, arg.value) }));
  const faults = settled.flatMap(({ arg, value }) => (value.kind === 'fault' ? [{ arg, fault: value.fault }] : []));
  for (const { arg, fault } of faults) place.report.add(faultDiagnostic(fault, arg.span), place.host);
  if (faults.length > 0) return null;

  const values = (vars: Args): Args => {
    const made = settled.map(({ arg, value }) => [arg.name, settledValue(value, arg, schema, vars)]);
    return Object.fromEntries(made.filter(([, value]) => value !== undefined));
  };
  const needs = [...new Set(settled.flatMap(({ value }) => (value.kind === 'later' ? value.deferred.needs : [])))];
  if (needs.length > 0) return { needs, resolve: (vars) => checked(values(vars), spec) };

  const now = values({});
  const complaints = spec === undefined ? [] : checkArguments(spec, now);
  for (const { pointer, ...complaint } of complaints)
    place.report.add(diagnostic(complaint, task.argsAt(...pointer)), place.host);
  return complaints.length > 0 ? null : known(now);
}

function settledValue(settled: Settled<unknown>, arg: Argument, schema: object | undefined, vars: Args): unknown {
  if (settled.kind === 'fault') throw settled.fault;
  const value = settled.kind === 'later' ? settled.deferred.resolve(vars) : settled.value;
  return typeof arg.value === 'string' && hasTemplate(arg.value) ? coerce(value, schema, arg.name) : value;
}

function checked(args: Args, spec: ModuleSpec | undefined): Args {
  const [complaint] = spec === undefined ? [] : checkArguments(spec, args);
  if (complaint !== undefined) throw new TemplateFault('template-value', complaint.message, complaint.fix);
  return args;
}

function loopItems({ task, items }: PreparedTask, place: Place): readonly unknown[] | null {
  if (items === null || task.loop === undefined) return null;
  const { span, flatten } = task.loop;
  const settled = settle(items, place.scope);
  if (settled.kind === 'later') {
    const message = `a loop must be known before the run, and this one needs ${settled.deferred.needs.join(', ')}`;
    place.report.add(
      error('loop-later', message, { span, fix: 'loop over a list of the inventory or of `vars`' }),
      place.host,
    );
    return null;
  }
  if (settled.kind === 'fault') {
    place.report.add(faultDiagnostic(settled.fault, span), place.host);
    return null;
  }
  const list = settled.value;
  if (Array.isArray(list)) return flatten ? list.flat(1) : list;
  const fix = 'give it a list; a mapping becomes one with `| dict2items`';
  place.report.add(error('loop-not-a-list', 'a loop goes over a list, and this is none', { span, fix }), place.host);
  return null;
}

/** The name as people read it: rendered where that is possible, with the loop's item. */
export function nameOf({ name, task }: PreparedTask, { scope }: Place, { loop }: Pick<Frame, 'loop'>): string {
  const settled = settle(name, scope);
  const text = settled.kind === 'known' && !(settled.value instanceof Secret) ? String(settled.value) : task.name;
  if (loop === undefined) return text;
  const { item, index } = loop;
  return `${text} (${typeof item === 'string' || typeof item === 'number' ? item : `item ${index + 1}`})`;
}

function within(scope: Scope, vars: Args): Scope {
  if (Object.keys(vars).length === 0) return scope;
  return { ...scope, vars: { ...scope.vars, ...vars, ...scope.fixed }, facts: unshadowed(scope.facts, vars) };
}

function laterToo(scope: Scope, name: string | undefined): Scope {
  return name === undefined || scope.later.has(name) ? scope : { ...scope, later: new Set([...scope.later, name]) };
}
