/**
 * A list or mapping with its values changed; the very same one where none is, for a file may hold thousands of tunnels.
 * What is neither is given back as it is.
 */
export function mapInner(value: unknown, change: (inner: unknown, key: string | number) => unknown): unknown {
  if (Array.isArray(value)) return changedOf(value, (index) => change(value[index], index)) ?? value;
  if (!isPlainMapping(value)) return value;
  const keys = Object.keys(value);
  const inner = keys.map((key) => value[key]);
  const changed = changedOf(inner, (index) => change(inner[index], keys[index] ?? ''));
  return changed === null ? value : Object.fromEntries(keys.map((key, index) => [key, changed[index]]));
}

/** A mapping as YAML and JSON have them, and no object of a class. */
export function isPlainMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** All values as they are changed; null where they all stay. */
function changedOf(values: readonly unknown[], changeAt: (index: number) => unknown): readonly unknown[] | null {
  let changed: unknown[] | null = null;
  for (const [index, value] of values.entries()) {
    const now = changeAt(index);
    if (changed === null && !Object.is(now, value)) changed = values.slice(0, index);
    changed?.push(now);
  }
  return changed;
}
