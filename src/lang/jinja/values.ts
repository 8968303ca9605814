import { reveal, Secret } from '../../model/secret.ts';
import { LazyMapping } from '../lazy-mapping.ts';
import { openedSecret } from '../opened.ts';
import { TemplateFault } from '../template-fault.ts';
import { Vaulted } from '../vaulted.ts';

/** What a missing variable or entry evaluates to; using it for anything but `default` and `is defined` is the fault. */
export class Undefined {
  readonly fault: TemplateFault;
  constructor(fault: TemplateFault) {
    this.fault = fault;
  }
}

/** The value of `omit`: an entry of a mapping or list that has it is left out. */
export const OMIT = Symbol('omit');

export type Mapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is Mapping {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The value itself; a missing one is a fault. */
export function defined(value: unknown): unknown {
  if (value instanceof Undefined) throw value.fault;
  return value;
}

export function fail(message: string, fix?: string): never {
  throw new TemplateFault('template-value', message, fix);
}

/** Plain data only: lazy mappings are read out. A missing value inside is a fault. */
export function materialize(value: unknown): unknown {
  const known = defined(value);
  if (known instanceof LazyMapping) {
    return Object.fromEntries(known.names().map((name) => [name, materialize(known.get(name))]));
  }
  if (Array.isArray(known)) return known.filter((item) => item !== OMIT).map(materialize);
  if (!isMapping(known)) return known;
  const entries = Object.entries(known).filter(([, inner]) => inner !== OMIT);
  return Object.fromEntries(entries.map(([key, inner]) => [key, materialize(inner)]));
}

/**
 * Applies `compute` to values that may be or hold secrets: it sees them revealed, and what it makes of them is secret
 * again, except for a truth value.
 */
export function lift(values: readonly unknown[], compute: (...plain: unknown[]) => unknown): unknown {
  const seen = { secret: false };
  const plain = values.map((value) => revealed(value, seen));
  const result = compute(...plain);
  return seen.secret ? conceal(result) : result;
}

/** Secrets in `value` revealed; `seen.secret` says whether there were any. For computing only. */
export function revealed(value: unknown, seen: { secret: boolean } = { secret: false }): unknown {
  const known = defined(value);
  if (known instanceof Secret) {
    seen.secret = true;
    return reveal(known);
  }
  if (known instanceof Vaulted) return revealed(openedSecret(known), seen);
  if (known === OMIT) fail('omit can only be the whole value of an entry');
  if (known instanceof LazyMapping) return revealed(materialize(known), seen);
  if (Array.isArray(known)) return known.map((item) => revealed(item, seen));
  if (!isMapping(known)) return known;
  return Object.fromEntries(Object.entries(known).map(([key, inner]) => [key, revealed(inner, seen)]));
}

/** The same value with its texts and numbers secret. */
export function conceal(value: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'number') return new Secret(String(value));
  if (Array.isArray(value)) return value.map(conceal);
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, conceal(inner)]));
}

/** Python's truth. */
export function truthy(value: unknown): boolean {
  const known = defined(value);
  if (known instanceof Vaulted) return truthy(openedSecret(known));
  if (known instanceof Secret) return reveal(known) !== '';
  if (known instanceof LazyMapping) return known.names().length > 0;
  if (Array.isArray(known)) return known.length > 0;
  if (isMapping(known)) return Object.keys(known).length > 0;
  return Boolean(known);
}

/** Python's ==. */
export function same(a: unknown, b: unknown): boolean {
  return samePlain(revealed(a), revealed(b));
}

function samePlain(a: unknown, b: unknown): boolean {
  if (Array.isArray(a))
    return Array.isArray(b) && a.length === b.length && a.every((item, at) => samePlain(item, b[at]));
  if (isMapping(a)) {
    if (!isMapping(b)) return false;
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && samePlain(a[key], b[key]))
    );
  }
  return isNumeric(a) && isNumeric(b) ? Number(a) === Number(b) : a === b;
}

/** Python's <: numbers with numbers, strings with strings, lists entry by entry. */
export function compare(a: unknown, b: unknown): number {
  const [left, right] = [revealed(a), revealed(b)];
  if (isNumeric(left) && isNumeric(right)) return Number(left) - Number(right);
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : Number(left > right);
  if (Array.isArray(left) && Array.isArray(right)) {
    const at = left.findIndex((item, index) => index >= right.length || !samePlain(item, right[index]));
    return at === -1 || at >= right.length ? left.length - right.length : compare(left[at], right[at]);
  }
  return fail(`${kind(left)} and ${kind(right)} have no order`, 'int or string filters, to make them alike');
}

function isNumeric(value: unknown): value is number | boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}

/** A value's kind in words; messages never show a value itself, which may be secret. */
export function kind(value: unknown): string {
  if (value === null) return 'nothing';
  if (value instanceof Secret || value instanceof Vaulted) return 'a secret';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return { string: 'a string', number: 'a number', boolean: 'a truth value' }[typeof value as string] ?? 'a value';
}
