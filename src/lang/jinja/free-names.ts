import type { CallExpression, For, Identifier, Node } from './ast.ts';

/** Names that every template knows. */
const GLOBALS = ['true', 'True', 'false', 'False', 'none', 'None', 'omit', 'range'] as const;

/** The variables a template takes from outside, in the order of their first use. */
export function freeNames(body: readonly Node[]): readonly string[] {
  const free = new Set<string>();
  visitAll(body, new Set<string>(GLOBALS), free);
  return [...free];
}

/** Adds free names below `node`; `bound` is extended by what a statement binds for those after it. */
function visit(node: Node | null | undefined, bound: Set<string>, free: Set<string>): void {
  if (!node) return;
  if (node.type === 'Identifier') {
    if (!bound.has(node.value)) free.add(node.value);
  } else if (node.type === 'Set') {
    visit(node.value, bound, free);
    visitAll(node.body, new Set(bound), free);
    bind(node.assignee, bound);
  } else if (node.type === 'For') {
    visitFor(node, bound, free);
  } else if (node.type === 'FilterStatement') {
    visitAll(node.body, new Set(bound), free);
    visitAll(filterArguments(node.filter), bound, free);
  } else visitAll(partsOf(node), bound, free);
}

function visitFor({ loopvar, iterable, body, defaultBlock }: For, bound: Set<string>, free: Set<string>): void {
  const inside = new Set(bound).add('loop');
  bind(loopvar, inside);
  visit(iterable.type === 'SelectExpression' ? iterable.lhs : iterable, bound, free);
  if (iterable.type === 'SelectExpression') visit(iterable.test, inside, free);
  visitAll(body, inside, free);
  visitAll(defaultBlock, new Set(bound), free);
}

/** The expressions a node is made of; names of filters, tests, arguments and entries are none. */
function partsOf(node: Node): readonly (Node | null | undefined)[] {
  switch (node.type) {
    case 'ArrayLiteral':
    case 'TupleLiteral':
      return node.value;
    case 'ObjectLiteral':
      return [...node.value].flat();
    case 'MemberExpression':
      return node.computed ? [node.object, node.property] : [node.object];
    case 'CallExpression':
      return [node.callee, ...node.args];
    case 'FilterExpression':
      return [node.operand, ...filterArguments(node.filter)];
    case 'TestExpression':
      return [node.operand];
    case 'KeywordArgumentExpression':
      return [node.value];
    case 'UnaryExpression':
    case 'SpreadExpression':
    case 'KeywordSpreadExpression':
      return [node.argument];
    case 'BinaryExpression':
      return [node.left, node.right];
    case 'SelectExpression':
      return [node.lhs, node.test];
    case 'Ternary':
      return [node.condition, node.trueExpr, node.falseExpr];
    case 'SliceExpression':
      return [node.start, node.stop, node.step];
    case 'If':
      return [node.test, ...node.body, ...node.alternate];
    default:
      return [];
  }
}

function filterArguments(filter: Identifier | CallExpression): readonly Node[] {
  return filter.type === 'CallExpression' ? filter.args : [];
}

function visitAll(nodes: readonly (Node | null | undefined)[], bound: Set<string>, free: Set<string>): void {
  for (const node of nodes) visit(node, bound, free);
}

function bind(target: Node, bound: Set<string>): void {
  if (target.type === 'Identifier') bound.add(target.value);
  else if (target.type === 'TupleLiteral') for (const item of target.value) bind(item, bound);
}
