import { Secret } from '../../model/secret.ts';
import { didYouMean } from '../did-you-mean.ts';
import { LazyMapping } from '../lazy-mapping.ts';
import { opened } from '../opened.ts';
import { TemplateFault } from '../template-fault.ts';
import { Vaulted } from '../vaulted.ts';
import type { For, MemberExpression, Node, SliceExpression } from './ast.ts';
import { type Arguments, applyFilter, testNamed } from './filters.ts';
import { callMethod } from './methods.ts';
import { operate } from './operators.ts';
import { textOf } from './text.ts';
import { defined, fail, isMapping, kind, lift, OMIT, revealed, truthy, Undefined } from './values.ts';

/** Where names are looked up: what the template itself has set, and beyond that the variables. */
export interface Scope {
  readonly own: Map<string, unknown>;
  /** A variable's value, rendered; an Undefined where there is none. */
  readonly outer: (name: string) => unknown;
}

/** The value of an expression. It may be Undefined; whoever uses it decides what that means. */
export function evaluate(node: Node, scope: Scope): unknown {
  switch (node.type) {
    case 'StringLiteral':
    case 'IntegerLiteral':
    case 'FloatLiteral':
      return node.value;
    case 'ArrayLiteral':
    case 'TupleLiteral':
      return node.value.map((item) => evaluate(item, scope));
    case 'ObjectLiteral':
      return Object.fromEntries(
        [...node.value].map(([key, value]) => [String(revealed(evaluate(key, scope))), evaluate(value, scope)]),
      );
    case 'Identifier':
      return lookUp(node.value, scope);
    case 'MemberExpression':
      return member(node, scope);
    case 'CallExpression': {
      const { positional } = argumentsOf(node.args, scope);
      if (
        node.callee.type === 'MemberExpression' &&
        !node.callee.computed &&
        node.callee.property.type === 'Identifier'
      ) {
        return callMethod(evaluate(node.callee.object, scope), node.callee.property.value, positional);
      }
      const name = node.callee.type === 'Identifier' ? node.callee.value : 'this';
      if (name === 'range') return range(positional.map((bound) => Number(revealed(bound))));
      throw new TemplateFault('template-filter', `there is no function "${name}" in templates`);
    }
    case 'FilterExpression': {
      const [name, args] = filterCall(node.filter, scope);
      return applyFilter(name, evaluate(node.operand, scope), args);
    }
    case 'TestExpression':
      return testNamed(node.test.value)(evaluate(node.operand, scope)) !== node.negate;
    case 'UnaryExpression': {
      const value = evaluate(node.argument, scope);
      if (node.operator.value === 'not') return !truthy(value);
      return node.operator.value === '-' ? operate('-', 0, value) : operate('+', 0, value);
    }
    case 'BinaryExpression': {
      const left = evaluate(node.left, scope);
      if (node.operator.value === 'and') return truthy(left) ? evaluate(node.right, scope) : left;
      if (node.operator.value === 'or') return truthy(left) ? left : evaluate(node.right, scope);
      return operate(node.operator.value, left, evaluate(node.right, scope));
    }
    case 'Ternary':
      return evaluate(truthy(evaluate(node.condition, scope)) ? node.trueExpr : node.falseExpr, scope);
    case 'SelectExpression':
      if (truthy(evaluate(node.test, scope))) return evaluate(node.lhs, scope);
      return new Undefined(new TemplateFault('template-undefined', 'the condition of an "if" without "else" is false'));
    default:
      throw new TemplateFault('template-syntax', `${STATEMENT_NAMES[node.type] ?? node.type} cannot stand here`);
  }
}

/** What a sequence of text, expressions and statements prints; secret when a part of it is. */
export function print(body: readonly Node[], scope: Scope): string | Secret {
  const parts = body.map((node) => printNode(node, scope));
  return lift(parts, (...plain) => plain.map(textOf).join('')) as string | Secret;
}

const STATEMENT_NAMES: Readonly<Record<string, string>> = {
  Macro: 'a macro',
  CallStatement: 'a call block',
  Break: 'break',
  Continue: 'continue',
  SpreadExpression: '*',
  KeywordSpreadExpression: '**',
};

function printNode(node: Node, scope: Scope): unknown {
  switch (node.type) {
    case 'Comment':
      return '';
    case 'If':
      return print(truthy(evaluate(node.test, scope)) ? node.body : node.alternate, scope);
    case 'For':
      return printLoop(node, scope);
    case 'Set': {
      const value = node.value ? evaluate(node.value, scope) : print(node.body, scope);
      assign(node.assignee, value, scope);
      return '';
    }
    case 'FilterStatement': {
      const [name, args] = filterCall(node.filter, scope);
      return applyFilter(name, print(node.body, scope), args);
    }
    default:
      return lift([evaluate(node, scope)], textOf);
  }
}

function printLoop(node: For, scope: Scope): unknown {
  const { iterable } = node;
  const source = iterable.type === 'SelectExpression' ? iterable.lhs : iterable;
  const inside = (item: unknown, more?: unknown): Scope => {
    const inner: Scope = { own: new Map(scope.own), outer: scope.outer };
    assign(node.loopvar, item, inner);
    if (more !== undefined) inner.own.set('loop', more);
    return inner;
  };
  let items = applyFilter('list', evaluate(source, scope), { positional: [], named: {} }) as readonly unknown[];
  if (iterable.type === 'SelectExpression')
    items = items.filter((item) => truthy(evaluate(iterable.test, inside(item))));
  if (items.length === 0) return print(node.defaultBlock, scope);
  const last = items.length - 1;
  const parts = items.map((item, at) => {
    const loop = {
      index: at + 1,
      index0: at,
      revindex: last - at + 1,
      revindex0: last - at,
      first: at === 0,
      last: at === last,
      length: items.length,
    };
    return print(node.body, inside(item, loop));
  });
  return lift(parts, (...plain) => plain.join(''));
}

function assign(target: Node, value: unknown, scope: Scope): void {
  if (target.type === 'Identifier') {
    scope.own.set(target.value, value);
    return;
  }
  if (target.type !== 'TupleLiteral' || !Array.isArray(value) || value.length !== target.value.length) {
    fail('the value has not as many parts as there are names for it');
  }
  target.value.forEach((name, at) => {
    assign(name, (value as unknown[])[at], scope);
  });
}

function lookUp(name: string, scope: Scope): unknown {
  if (scope.own.has(name)) return scope.own.get(name);
  return CONSTANTS.has(name) ? CONSTANTS.get(name) : scope.outer(name);
}

const CONSTANTS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
  ['omit', OMIT],
]);

function filterCall(filter: Extract<Node, { type: 'FilterExpression' }>['filter'], scope: Scope): [string, Arguments] {
  if (filter.type === 'Identifier') return [filter.value, { positional: [], named: {} }];
  const name = filter.callee.type === 'Identifier' ? filter.callee.value : '';
  return [name, argumentsOf(filter.args, scope)];
}

function argumentsOf(args: readonly Node[], scope: Scope): Arguments {
  const named: Record<string, unknown> = {};
  const positional: unknown[] = [];
  for (const arg of args) {
    if (arg.type === 'KeywordArgumentExpression') named[arg.key.value] = evaluate(arg.value, scope);
    else positional.push(evaluate(arg, scope));
  }
  return { positional, named };
}

/** An entry of a mapping, list or string. What is missing in something missing stays missing, as in Ansible. */
function member(node: MemberExpression, scope: Scope): unknown {
  const whole = evaluate(node.object, scope);
  const object = whole instanceof Vaulted ? opened(whole) : whole;
  if (object instanceof Undefined) return object;
  if (node.computed && node.property.type === 'SliceExpression') return slice(object, node.property, scope);
  const key =
    !node.computed && node.property.type === 'Identifier'
      ? node.property.value
      : revealed(evaluate(node.property, scope));
  if (object instanceof LazyMapping)
    return object.has(String(key)) ? object.get(String(key)) : absent(node, key, object.names());
  if (isMapping(object))
    return Object.hasOwn(object, String(key)) ? object[String(key)] : absent(node, key, Object.keys(object));
  if (Array.isArray(object))
    return typeof key === 'number' && object.at(key) !== undefined ? object.at(key) : absent(node, key, []);
  if ((typeof object === 'string' || object instanceof Secret) && typeof key === 'number') {
    return lift([object], (text) => String(text).at(key)) ?? absent(node, key, []);
  }
  return absent(node, key, []);
}

function absent(node: MemberExpression, key: unknown, names: readonly string[]): Undefined {
  const of = node.object.type === 'Identifier' ? `"${node.object.value}"` : 'the value';
  const fix = typeof key === 'string' ? didYouMean(key, names) : undefined;
  return new Undefined(new TemplateFault('template-undefined', `${of} has no entry "${String(key)}"`, fix));
}

function slice(object: unknown, { start, stop, step }: SliceExpression, scope: Scope): unknown {
  const bound = (node: Node | undefined) => (node === undefined ? undefined : Number(revealed(evaluate(node, scope))));
  const [from, to, by] = [bound(start), bound(stop), bound(step) ?? 1];
  if (by < 1) return fail('a slice goes forward: its step must be at least 1', 'the filter reverse');
  const every = (_: unknown, at: number) => at % by === 0;
  const known = defined(object);
  if (Array.isArray(known)) return known.slice(from, to).filter(every);
  if (typeof known !== 'string' && !(known instanceof Secret)) return fail(`${kind(known)} has no slices`);
  return lift([known], (text) => [...String(text)].slice(from, to).filter(every).join(''));
}

function range(bounds: readonly number[]): readonly number[] {
  const [start, stop, step] =
    bounds.length === 1 ? [0, bounds[0] ?? 0, 1] : [bounds[0] ?? 0, bounds[1] ?? 0, bounds[2] ?? 1];
  if (step === 0 || !bounds.every(Number.isInteger)) return fail('range takes whole numbers, and no step of 0');
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (count > 100_000) return fail('this range has more than 100000 numbers');
  return Array.from({ length: count }, (_, at) => start + at * step);
}
