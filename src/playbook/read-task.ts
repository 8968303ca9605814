import { error, hasErrors } from '../lang/diagnostic.ts';
import { didYouMean } from '../lang/did-you-mean.ts';
import type { Pointer } from '../lang/yaml.ts';
import {
  booleanField,
  type Mapping,
  mappingField,
  type Reading,
  secondsField,
  tagsField,
  textField,
  textsField,
  unique,
  wrongType,
} from './fields.ts';
import { equivalent, TASK_KEYS, unsupportedHint } from './keywords.ts';
import type { Loop, PlayTask } from './play.ts';
import { readArguments } from './read-arguments.ts';
import { readConditions } from './read-conditions.ts';
import type { Inherited } from './read-tasks.ts';
import { knownWords } from './suggest.ts';
import { checkTemplates } from './templates.ts';

/** Reads one task or handler; null when it names no module, or more than one. */
export function readTask(reading: Reading, map: Mapping, at: Pointer, around: Inherited): PlayTask | null {
  const { document } = reading;
  const before = reading.diagnostics.length;
  const key = findModule(reading, map, at, around);
  checkBecome(reading, map, at, around);
  const register = readRegister(reading, map, at);
  const loop = readLoop(reading, map, at);
  const changedWhen = readConditions(reading, map, 'changed_when', at);
  const failedWhen = readConditions(reading, map, 'failed_when', at);
  const timeout = secondsField(reading, map, 'timeout', at);
  const vars = mappingField(reading, map, 'vars', at);
  checkTemplates(reading, vars, [...at, 'vars']);
  const name = textField(reading, map, 'name', at);
  const common = {
    id: around.id,
    document,
    when: [...around.when, ...readConditions(reading, map, 'when', at)],
    ...(loop === undefined ? {} : { loop }),
    ...(register === undefined ? {} : { register }),
    notify: readNotify(reading, map, at),
    listen: around.handlers ? textsField(reading, map, 'listen', at).map(({ text }) => text) : [],
    tags: unique([...around.tags, ...tagsField(reading, map, at)]),
    vars: { ...around.vars, ...vars },
    ignoreErrors: booleanField(reading, map, 'ignore_errors', at) ?? around.ignoreErrors,
    ...(changedWhen.length === 0 ? {} : { changedWhen }),
    ...(failedWhen.length === 0 ? {} : { failedWhen }),
    ...(timeout === undefined ? {} : { timeout }),
    span: name === undefined ? document.span(at) : document.span([...at, 'name']),
  };
  const spec = key === null ? undefined : reading.registry.get(key);
  if (key === null || spec === undefined) return null;
  const { args, argsAt } = readArguments(reading, map, key, spec, at);
  const isFaulty = hasErrors(reading.diagnostics.slice(before));
  return { ...common, name: name ?? spec.name, module: spec.name, args, argsAt, isFaulty };
}

/** One shell a host runs all the tasks of a play, so `become` is the play's. */
export function checkBecome(reading: Reading, map: Mapping, at: Pointer, around: Inherited): void {
  const become = booleanField(reading, map, 'become', at);
  if (become === undefined || become === around.become || (!become && around.become === null)) return;
  const span = reading.document.span([...at, 'become']);
  const fix = become
    ? 'write `become: true` on the play'
    : 'put the tasks that need no `become` into a play of their own';
  reading.diagnostics.push(error('task-become', '"become" holds for a whole play', { span, fix }));
}

function findModule(reading: Reading, map: Mapping, at: Pointer, around: Inherited): string | null {
  const { document, registry, diagnostics } = reading;
  const known = around.handlers ? TASK_KEYS : TASK_KEYS.filter((key) => key !== 'listen');
  const others = Object.keys(map).filter((key) => !known.includes(key));
  const modules = others.filter((key) => registry.get(key) !== undefined);
  const unknown: string[] = [];
  let unsupported = false;
  for (const key of others) {
    if (modules.includes(key)) continue;
    const hint = unsupportedHint(key);
    if (hint === undefined) unknown.push(key);
    else {
      unsupported = true;
      const span = document.keySpan([...at, key]);
      diagnostics.push(error('unsupported-key', `"${key}" is not supported`, { span, fix: hint }));
    }
  }
  for (const key of unknown) {
    const span = document.keySpan([...at, key]);
    if (key === 'listen') {
      diagnostics.push(
        error('task-unknown-key', 'only a handler can "listen"', { span, fix: 'put it under `handlers`' }),
      );
    } else if (modules.length > 0) {
      diagnostics.push(error('task-unknown-key', `a task has no "${key}"`, { span, fix: knownWords(key, known) }));
    } else {
      const fix = equivalent(key) ?? didYouMean(key, [...registry.names, ...known]) ?? knownWords(key, registry.names);
      diagnostics.push(error('module-unknown', `there is no module "${key}"`, { span, fix }));
    }
  }
  if (modules.length > 1) {
    const related = modules.slice(1).map((key) => ({ message: 'another one', span: document.keySpan([...at, key]) }));
    const span = document.keySpan([...at, modules[0] ?? '']);
    const message = `this task calls ${modules.map((key) => `"${key}"`).join(' and ')}`;
    diagnostics.push(error('task-two-modules', message, { span, related, fix: 'write a task for each of them' }));
    return null;
  }
  if (others.length === 0) {
    const fix = `name one and its arguments; there are: ${registry.names.join(', ')}`;
    diagnostics.push(error('task-without-module', 'this task calls no module', { span: document.span(at), fix }));
  }
  return unsupported && modules.length === 0 ? null : (modules[0] ?? null);
}

function readRegister(reading: Reading, map: Mapping, at: Pointer): string | undefined {
  const name = textField(reading, map, 'register', at);
  if (name === undefined) return undefined;
  if (isVariableName(name)) return name;
  wrongType(reading, [...at, 'register'], 'register', 'a variable name: letters, digits and _, no digit first');
  return undefined;
}

function readNotify(reading: Reading, map: Mapping, at: Pointer): PlayTask['notify'] {
  return textsField(reading, map, 'notify', at).map(({ text, at: place }) => ({
    name: text,
    span: reading.document.span(place),
  }));
}

function readLoop(reading: Reading, map: Mapping, at: Pointer): Loop | undefined {
  const given = (['loop', 'with_items'] as const).filter((name) => map[name] !== undefined);
  const control = mappingField(reading, map, 'loop_control', at);
  const place = [...at, 'loop_control'];
  for (const key of Object.keys(control)) {
    if (['loop_var', 'index_var', 'label'].includes(key)) continue;
    const span = reading.document.keySpan([...place, key]);
    const fix = knownWords(key, ['loop_var', 'index_var', 'label']);
    reading.diagnostics.push(error('loop-control', `"loop_control" has no "${key}" here`, { span, fix }));
  }
  const [key, second] = given;
  if (key === undefined) return undefined;
  if (second !== undefined) {
    const span = reading.document.keySpan([...at, second]);
    reading.diagnostics.push(error('loop-twice', 'a task has one loop', { span, fix: 'write `loop` alone' }));
  }
  const items = map[key];
  if (!Array.isArray(items) && typeof items !== 'string') {
    wrongType(reading, [...at, key], key, 'a list, or a template that gives one');
    return undefined;
  }
  checkTemplates(reading, items, [...at, key]);
  const indexVariable = loopVariable(reading, control, 'index_var', place);
  return {
    items,
    flatten: key === 'with_items',
    variable: loopVariable(reading, control, 'loop_var', place) ?? 'item',
    ...(indexVariable === undefined ? {} : { indexVariable }),
    span: reading.document.span([...at, key]),
  };
}

function loopVariable(reading: Reading, control: Mapping, key: string, at: Pointer): string | undefined {
  const name = textField(reading, control, key, at);
  if (name === undefined || isVariableName(name)) return name;
  wrongType(reading, [...at, key], key, 'a variable name');
  return undefined;
}

function isVariableName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}
