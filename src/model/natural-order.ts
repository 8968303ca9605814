/**
 * Names in the order a person expects, `gw2` before `gw10`, the same in every locale and on every machine. Total: two
 * names are equal only when they are the same.
 */
export function naturalOrder(names: Iterable<string>): string[] {
  return sortNaturally([...names], (name) => name);
}

/** A sorted copy of `items`, by the natural order of their names. */
export function sortNaturally<T>(items: readonly T[], nameOf: (item: T) => string): T[] {
  return items
    .map((item) => ({ item, name: nameOf(item), key: sortKey(nameOf(item)) }))
    .sort((a, b) => compare(a.key, b.key) || compare(a.name, b.name))
    .map(({ item }) => item);
}

function sortKey(name: string): string {
  return name.replace(/\d+/g, (digits) => digits.padStart(16, '0'));
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
