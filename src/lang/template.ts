import type { Variables } from '../model/host.ts';
import { reveal, Secret } from '../model/secret.ts';
import { type Deferred, known } from '../model/task.ts';
import { didYouMean } from './did-you-mean.ts';
import { evaluate, print, type Scope } from './jinja/evaluate.ts';
import { hasTemplate, type Parsed, parseCondition, parseTemplate } from './jinja/parse.ts';
import { conceal, isMapping, materialize, OMIT, truthy, Undefined } from './jinja/values.ts';
import { LazyMapping } from './lazy-mapping.ts';
import { SecretTemplate } from './secret-template.ts';
import { TemplateFault } from './template-fault.ts';
import { Verbatim } from './verbatim.ts';

export { hasTemplate } from './jinja/parse.ts';
export { LazyMapping } from './lazy-mapping.ts';
export { opened, vaultsIn } from './opened.ts';
export { faultDiagnostic, TemplateFault } from './template-fault.ts';
export { Verbatim } from './verbatim.ts';

/**
 * A value with Ansible's templates (`{{ }}`, `{% %}`) in strings at any depth. Throws a {@link TemplateFault} at once
 * when one is not well-formed, and on `resolve` when it cannot be rendered. A string that is exactly
 * `{{ expression }}` becomes the expression's value, of whatever type. What a secret goes into is a secret.
 */
export function template(value: unknown): Deferred<unknown> {
  const needs = new Set<string>();
  const some = collect(value, needs);
  return some
    ? { needs: [...needs], resolve: (vars) => settle(render(value, contextOf(vars))) }
    : known(settle(unwrap(value)));
}

/** A condition of `when:`, an expression without braces; a list of them must all hold. */
export function condition(test: string | boolean | number | null | readonly unknown[]): Deferred<boolean> {
  const parts = (Array.isArray(test) ? test : [test]).map(oneCondition);
  return {
    needs: [...new Set(parts.flatMap((part) => part.needs))],
    resolve: (vars) => parts.every((part) => part.resolve(vars)),
  };
}

/** One variable, rendered; undefined when there is none of that name. Throws a TemplateFault. */
export function renderVariable(vars: Variables, name: string): unknown {
  if (!Object.hasOwn(vars, name)) return undefined;
  return nested(() => settle(render(vars[name], contextOf(vars, [name]))));
}

/** The names that `needs` come down to, when variables stand for templates that need others. */
export function allNeeds(needs: readonly string[], vars: Variables): ReadonlySet<string> {
  const found = new Set(needs);
  for (const name of found) {
    try {
      if (Object.hasOwn(vars, name)) collect(vars[name], found);
    } catch (fault) {
      // not well-formed: it is told when the variable is used
      if (!(fault instanceof TemplateFault)) throw fault;
    }
  }
  return found;
}

/** What is being rendered: the variables, those of them that are done, and those that are being rendered right now. */
interface Context {
  readonly vars: Variables;
  readonly done: Map<string, unknown>;
  readonly open: readonly string[];
}

function contextOf(vars: Variables, open: readonly string[] = []): Context {
  return { vars, done: new Map(), open };
}

function render(value: unknown, context: Context): unknown {
  if (typeof value === 'string') return hasTemplate(value) ? renderText(value, context) : value;
  if (value instanceof SecretTemplate) return conceal(materialize(renderText(reveal(value), context)));
  if (value instanceof Verbatim) return unwrap(value);
  if (Array.isArray(value)) return value.map((item) => render(item, context)).filter((item) => item !== OMIT);
  if (!isMapping(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, render(inner, context)] as const);
  return Object.fromEntries(entries.filter(([, inner]) => inner !== OMIT));
}

function renderText(text: string, context: Context): unknown {
  return run(parseTemplate(text), context);
}

function run({ body, expression }: Parsed, context: Context): unknown {
  const scope: Scope = { own: new Map(), outer: (name) => variable(name, context) };
  if (!expression) return print(body, scope);
  const value = evaluate(expression, scope);
  if (value instanceof Undefined) throw value.fault;
  return value;
}

/** Whole variables are rendered when they are used, and once. One that rests on a missing one is itself missing. */
function variable(name: string, context: Context): unknown {
  if (context.done.has(name)) return context.done.get(name);
  if (!Object.hasOwn(context.vars, name)) {
    const fix = didYouMean(name, Object.keys(context.vars));
    return new Undefined(new TemplateFault('template-undefined', `there is no variable "${name}"`, fix));
  }
  const from = context.open.indexOf(name);
  if (from !== -1) {
    const path = [...context.open.slice(from), name].join(' -> ');
    throw new TemplateFault('template-loop', `variables stand for each other in a circle: ${path}`);
  }
  const value = rendered(name, { ...context, open: [...context.open, name] });
  context.done.set(name, value);
  return value;
}

function rendered(name: string, context: Context): unknown {
  try {
    return nested(() => render(context.vars[name], context));
  } catch (fault) {
    if (fault instanceof TemplateFault && fault.code === 'template-undefined') return new Undefined(fault);
    throw fault;
  }
}

/** `hostvars` starts a new context for another host; a circle through it shows only as depth. */
function nested<T>(work: () => T): T {
  if (depth >= DEPTH_LIMIT) {
    throw new TemplateFault('template-loop', 'variables stand for each other in a circle, through hostvars');
  }
  depth += 1;
  try {
    return work();
  } finally {
    depth -= 1;
  }
}

let depth = 0;
const DEPTH_LIMIT = 100;

/** The value as the caller gets it: plain data, secrets still secret. */
function settle(value: unknown): unknown {
  return value === OMIT ? undefined : materialize(value);
}

function unwrap(value: unknown): unknown {
  if (value instanceof Verbatim) return unwrap(value.value);
  if (Array.isArray(value)) return value.map(unwrap);
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unwrap(inner)]));
}

/** Adds the names that the templates in `value` use; true when there is any template. */
function collect(value: unknown, needs: Set<string>): boolean {
  if (value instanceof SecretTemplate) return collect(reveal(value), needs);
  if (typeof value === 'string') {
    if (!hasTemplate(value)) return false;
    for (const name of parseTemplate(value).names) needs.add(name);
    return true;
  }
  if (value instanceof Secret || value instanceof LazyMapping || value instanceof Verbatim) return false;
  const inner = Array.isArray(value) ? value : isMapping(value) ? Object.values(value) : [];
  return inner.map((item) => collect(item, needs)).some(Boolean);
}

function oneCondition(test: unknown): Deferred<boolean> {
  if (typeof test === 'boolean') return known(test);
  if (test === null || test === undefined || test === '') return known(true);
  if (typeof test === 'number') return known(test !== 0);
  const parsed = parseCondition(String(test));
  return { needs: parsed.names, resolve: (vars) => truthy(run(parsed, contextOf(vars))) };
}
