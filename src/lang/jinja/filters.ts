import { didYouMean } from '../did-you-mean.ts';
import { TemplateFault } from '../template-fault.ts';
import { LIST_FILTERS } from './list-filters.ts';
import { TESTS, type Test } from './tests.ts';
import { TEXT_FILTERS } from './text-filters.ts';
import { defined, lift, Undefined } from './values.ts';

/** Arguments by place, and by name. */
export interface Arguments {
  readonly positional: readonly unknown[];
  readonly named: Readonly<Record<string, unknown>>;
}

/** A filter that hands values on as they are, secrets among them unopened. */
export type ListFilter = (value: unknown, args: Arguments) => unknown;

/** A filter that computes something new: of a secret, it makes a secret. */
export type TextFilter = (value: unknown, args: Arguments) => unknown;

/** `value | name(args)`. A missing value passes only through `default`. */
export function applyFilter(name: string, value: unknown, args: Arguments): unknown {
  if (name.startsWith('is ')) return applyArgumentTest(name.slice('is '.length), value, args);
  if (name === 'default' || name === 'd') return fallback(value, args);
  if (name === 'mandatory') return defined(value);
  const list = own(LIST_FILTERS, name);
  if (list) return list(defined(value), args);
  const text = own(TEXT_FILTERS, name);
  if (!text) {
    const fix = didYouMean(name, filterNames()) ?? `one of: ${filterNames().join(', ')}`;
    throw new TemplateFault('template-filter', `there is no filter "${name}"`, fix);
  }
  const names = Object.keys(args.named);
  const split = args.positional.length;
  return lift([value, ...args.positional, ...Object.values(args.named)], (plain, ...rest) =>
    text(plain, {
      positional: rest.slice(0, split),
      named: Object.fromEntries(names.map((key, index) => [key, rest[split + index]])),
    }),
  );
}

/** The test of that name, or a fault that names it. */
export function testNamed(name: string): Test {
  const test = own(TESTS, name);
  if (test) return test;
  const fix = didYouMean(name, Object.keys(TESTS)) ?? `one of: ${Object.keys(TESTS).join(', ')}`;
  throw new TemplateFault('template-filter', `there is no test "${name}"`, fix);
}

function filterNames(): readonly string[] {
  return ['default', 'mandatory', ...Object.keys(LIST_FILTERS), ...Object.keys(TEXT_FILTERS)].sort();
}

function applyArgumentTest(words: string, value: unknown, args: Arguments): boolean {
  const negated = words.startsWith('not ');
  const result = testNamed(negated ? words.slice('not '.length) : words)(value, ...args.positional);
  return negated ? !result : result;
}

function fallback(value: unknown, { positional, named }: Arguments): unknown {
  const instead = positional[0] ?? named.default_value ?? '';
  if (value instanceof Undefined) return instead;
  const alsoEmpty = positional[1] ?? named.boolean ?? false;
  const empty =
    value === null || value === '' || value === false || value === 0 || (Array.isArray(value) && value.length === 0);
  return alsoEmpty === true && empty ? instead : value;
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
