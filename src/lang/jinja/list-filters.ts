import { Secret } from '../../model/secret.ts';
import { LazyMapping } from '../lazy-mapping.ts';
import { TemplateFault } from '../template-fault.ts';
import { Vaulted } from '../vaulted.ts';
import { type Arguments, applyFilter, type ListFilter, testNamed } from './filters.ts';
import {
  compare,
  defined,
  fail,
  isMapping,
  kind,
  lift,
  type Mapping,
  materialize,
  revealed,
  same,
  truthy,
  Undefined,
} from './values.ts';

/** Filters that choose among values or put them in another order; the values themselves are handed on untouched. */
export const LIST_FILTERS: Readonly<Record<string, ListFilter>> = {
  list,
  length: size,
  count: size,
  first: (value) => list(value)[0] ?? missing('the list is empty'),
  last: (value) => list(value).at(-1) ?? missing('the list is empty'),
  min: (value) => sort(list(value))[0] ?? missing('the list is empty'),
  max: (value) => sort(list(value)).at(-1) ?? missing('the list is empty'),
  reverse: (value) =>
    isText(value) ? lift([value], (text) => [...String(text)].reverse().join('')) : [...list(value)].reverse(),
  sort: (value, { positional, named }) => {
    const ordered = sort(list(value), named.attribute, (positional[1] ?? named.case_sensitive) !== true);
    return (positional[0] ?? named.reverse) === true ? ordered.reverse() : ordered;
  },
  unique: (value) => unique(list(value)),
  flatten: (value, { positional, named }) =>
    flatten(list(value), Number(positional[0] ?? named.levels ?? Number.POSITIVE_INFINITY)),
  union: (value, { positional }) => unique([...list(value), ...list(positional[0])]),
  intersect: (value, { positional }) => unique(list(value).filter((item) => has(list(positional[0]), item))),
  difference: (value, { positional }) => unique(list(value).filter((item) => !has(list(positional[0]), item))),
  zip: (value, { positional }) => {
    const lists = [value, ...positional].map(list);
    return Array.from({ length: Math.min(...lists.map((items) => items.length)) }, (_, at) =>
      lists.map((items) => items[at]),
    );
  },
  ternary: (value, { positional: [yes, no, none] }) =>
    value === null && none !== undefined ? none : truthy(value) ? yes : no,
  map: mapItems,
  select: (value, args) => choose(value, args, true),
  reject: (value, args) => choose(value, args, false),
  selectattr: (value, args) => chooseByAttribute(value, args, true),
  rejectattr: (value, args) => chooseByAttribute(value, args, false),
  extract: (key, { positional: [container, more] }) =>
    [key, ...(more === undefined ? [] : [more].flat())].reduce<unknown>(
      (inner, step) => entryOf(inner, step),
      container,
    ),
  groupby: (value, { positional }) => {
    const keys = unique(sort(list(value).map((item) => attribute(item, positional[0]))));
    return keys.map((key) => [key, list(value).filter((item) => same(attribute(item, positional[0]), key))]);
  },
  dict2items: (value, { named }) =>
    Object.entries(mapping(value)).map(([key, inner]) => ({
      [String(named.key_name ?? 'key')]: key,
      [String(named.value_name ?? 'value')]: inner,
    })),
  items2dict: (value, { named }) =>
    Object.fromEntries(
      list(value).map((item) => [
        String(revealed(attribute(item, named.key_name ?? 'key'))),
        attribute(item, named.value_name ?? 'value'),
      ]),
    ),
  items: (value) => Object.entries(mapping(value)),
  dictsort: (value) => sort(Object.entries(mapping(value)), 0),
  combine: (value, { positional, named }) => {
    const merge = named.recursive === true ? mergeDeep : (a: Mapping, b: Mapping) => ({ ...a, ...b });
    return positional
      .flatMap((other) => (Array.isArray(other) ? other : [other]))
      .map(mapping)
      .reduce(merge, mapping(value));
  },
};

function list(value: unknown): readonly unknown[] {
  const known = defined(value);
  if (Array.isArray(known)) return known;
  if (known instanceof LazyMapping) return known.names();
  if (isMapping(known)) return Object.keys(known);
  if (isText(known)) return lift([known], (text) => [...String(text)]) as readonly unknown[];
  return fail(`${kind(known)} is given where a list is needed`);
}

function mapping(value: unknown): Mapping {
  const known = materialize(value);
  return isMapping(known) ? known : fail(`${kind(known)} is given where a mapping is needed`);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' || value instanceof Secret || value instanceof Vaulted;
}

function size(value: unknown): number {
  return isText(value) ? [...String(revealed(value))].length : list(value).length;
}

function missing(why: string): Undefined {
  return new Undefined(new TemplateFault('template-undefined', why));
}

function has(items: readonly unknown[], item: unknown): boolean {
  return items.some((other) => same(other, item));
}

function unique(items: readonly unknown[]): unknown[] {
  const kept: unknown[] = [];
  for (const item of items) if (!has(kept, item)) kept.push(item);
  return kept;
}

function flatten(items: readonly unknown[], levels: number): unknown[] {
  return items.flatMap((item) =>
    Array.isArray(item) && levels > 0 ? flatten(item, levels - 1) : item === null ? [] : [item],
  );
}

function sort(items: readonly unknown[], by?: unknown, ignoreCase = true): unknown[] {
  const fold = (item: unknown) => {
    const plain = revealed(by === undefined ? item : attribute(item, by));
    return ignoreCase && typeof plain === 'string' ? plain.toLowerCase() : plain;
  };
  return items
    .map((item) => ({ item, key: fold(item) }))
    .sort((a, b) => compare(a.key, b.key))
    .map(({ item }) => item);
}

/** `a.b.0`: an entry of an entry. */
function attribute(item: unknown, name: unknown): unknown {
  return String(revealed(name ?? ''))
    .split('.')
    .reduce<unknown>(entryOf, item);
}

function entryOf(value: unknown, step: unknown): unknown {
  const known = defined(value);
  const name = String(revealed(step));
  if (known instanceof LazyMapping && known.has(name)) return known.get(name);
  if (Array.isArray(known) && /^\d+$/.test(name) && Number(name) < known.length) return known[Number(name)];
  return isMapping(known) && Object.hasOwn(known, name) ? known[name] : missing(`an entry has no "${name}"`);
}

function mapItems(value: unknown, { positional: [filter, ...rest], named }: Arguments): unknown {
  const name = named.attribute;
  if (name !== undefined) {
    return list(value).map((item) => {
      const found = attribute(item, name);
      return found instanceof Undefined && 'default' in named ? named.default : found;
    });
  }
  return list(value).map((item) => applyFilter(String(filter), item, { positional: rest, named }));
}

function choose(value: unknown, { positional: [test, ...rest] }: Arguments, wanted: boolean): unknown {
  const holds = test === undefined ? truthy : testNamed(String(test));
  return list(value).filter((item) => holds(item, ...rest) === wanted);
}

function chooseByAttribute(value: unknown, { positional: [name, test, ...rest] }: Arguments, wanted: boolean): unknown {
  const holds = test === undefined ? truthy : testNamed(String(test));
  return list(value).filter((item) => holds(attribute(item, name), ...rest) === wanted);
}

function mergeDeep(a: Mapping, b: Mapping): Mapping {
  const merged: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const before = Object.hasOwn(a, key) ? a[key] : undefined;
    merged[key] = isMapping(before) && isMapping(value) ? mergeDeep(before, value) : value;
  }
  return merged;
}
