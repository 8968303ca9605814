import { Secret } from '../../model/secret.ts';
import { LazyMapping } from '../lazy-mapping.ts';
import { Vaulted } from '../vaulted.ts';
import { pythonRegex } from './python-regex.ts';
import { compare, defined, isMapping, revealed, same, truthy, Undefined } from './values.ts';

export type Test = (value: unknown, ...args: unknown[]) => boolean;

/** The tests of `is NAME` and of `select`; Jinja's, and those of Ansible that ask about values. */
export const TESTS: Readonly<Record<string, Test>> = {
  defined: (value) => !(value instanceof Undefined),
  undefined: (value) => value instanceof Undefined,
  none: (value) => defined(value) === null,
  string: (value) => isString(defined(value)),
  number: (value) => typeof defined(value) === 'number',
  integer: (value) => Number.isInteger(defined(value)),
  float: (value) => typeof defined(value) === 'number' && !Number.isInteger(value),
  boolean: (value) => typeof defined(value) === 'boolean',
  true: (value) => defined(value) === true,
  false: (value) => defined(value) === false,
  truthy: (value) => truthy(value),
  falsy: (value) => !truthy(value),
  mapping: (value) => isMappingLike(defined(value)),
  sequence: (value) => isString(defined(value)) || Array.isArray(value) || isMappingLike(value),
  iterable: (value) => isString(defined(value)) || Array.isArray(value) || isMappingLike(value),
  odd: (value) => Math.abs(Number(revealed(value)) % 2) === 1,
  even: (value) => Number(revealed(value)) % 2 === 0,
  divisibleby: (value, by) => Number(revealed(value)) % Number(revealed(by)) === 0,
  lower: (value) => String(revealed(value)) === String(revealed(value)).toLowerCase(),
  upper: (value) => String(revealed(value)) === String(revealed(value)).toUpperCase(),
  sameas: same,
  eq: same,
  equalto: same,
  '==': same,
  ne: (a, b) => !same(a, b),
  '!=': (a, b) => !same(a, b),
  lt: (a, b) => compare(a, b) < 0,
  lessthan: (a, b) => compare(a, b) < 0,
  '<': (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  '<=': (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  greaterthan: (a, b) => compare(a, b) > 0,
  '>': (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  '>=': (a, b) => compare(a, b) >= 0,
  in: (item, container) => contains(container, item),
  contains: (container, item) => contains(container, item),
  match: (value, pattern) => pythonRegex(`^(?:${text(pattern)})`).test(text(value)),
  search: (value, pattern) => pythonRegex(text(pattern)).test(text(value)),
  regex: (value, pattern) => pythonRegex(text(pattern)).test(text(value)),
  subset: (value, of) => items(value).every((item) => contains(of, item)),
  superset: (value, of) => items(of).every((item) => contains(value, item)),
  all: (value) => items(value).every(truthy),
  any: (value) => items(value).some(truthy),
  version: versionTest,
  version_compare: versionTest,
  // of a registered result
  failed: (result) => flag(result, 'failed'),
  succeeded: (result) => !flag(result, 'failed'),
  success: (result) => !flag(result, 'failed'),
  changed: (result) => flag(result, 'changed'),
  change: (result) => flag(result, 'changed'),
  skipped: (result) => flag(result, 'skipped'),
  skip: (result) => flag(result, 'skipped'),
};

/** Python's `in`. */
export function contains(container: unknown, item: unknown): boolean {
  const known = defined(container);
  if (known instanceof LazyMapping) return known.has(text(item));
  const plain = revealed(known);
  if (typeof plain === 'string') return plain.includes(text(item));
  if (Array.isArray(plain)) return plain.some((member) => same(member, item));
  return isMapping(plain) && Object.hasOwn(plain, text(item));
}

function flag(result: unknown, name: string): boolean {
  const known = defined(result);
  return isMapping(known) && truthy(known[name] ?? false);
}

function isString(value: unknown): boolean {
  return typeof value === 'string' || value instanceof Secret || value instanceof Vaulted;
}

function isMappingLike(value: unknown): boolean {
  return isMapping(value) || value instanceof LazyMapping;
}

function items(value: unknown): readonly unknown[] {
  const known = defined(value);
  return Array.isArray(known) ? known : [];
}

function text(value: unknown): string {
  return String(revealed(value));
}

/** `is version("5.8", ">=")`: parts compared as numbers where both are, as Python's LooseVersion does. */
function versionTest(value: unknown, other: unknown, operator: unknown = '=='): boolean {
  const order = versionOrder(text(value), text(other));
  switch (text(operator)) {
    case '<':
    case 'lt':
      return order < 0;
    case '<=':
    case 'le':
      return order <= 0;
    case '>':
    case 'gt':
      return order > 0;
    case '>=':
    case 'ge':
      return order >= 0;
    case '!=':
    case '<>':
    case 'ne':
      return order !== 0;
    default:
      return order === 0;
  }
}

function versionOrder(a: string, b: string): number {
  const parts = (version: string): readonly string[] => version.match(/\d+|[a-z]+/gi) ?? [];
  const [left, right] = [parts(a), parts(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const [x, y] = [left[at], right[at]];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    if (x === y) continue;
    const numbers = /^\d/.test(x) && /^\d/.test(y);
    if (numbers && Number(x) === Number(y)) continue;
    return (numbers ? Number(x) < Number(y) : x < y) ? -1 : 1;
  }
  return 0;
}
