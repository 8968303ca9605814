import { reveal, Secret } from '../model/secret.ts';

/**
 * A value of a host's state as a text: the same for the same value, and for no other. The order of keys and of lists does
 * not count, for the kernel lists as it likes. It may hold secrets.
 */
export function canonical(value: unknown): string {
  if (value instanceof Secret) return `secret ${JSON.stringify(reveal(value))}`;
  if (value instanceof Set) return `set ${canonical([...value])}`;
  if (value instanceof Map) return `map {${entriesOf(value)}}`;
  if (Array.isArray(value)) return `[${value.map(canonical).sort().join()}]`;
  if (typeof value === 'object' && value !== null) return `{${entriesOf(Object.entries(value))}}`;
  return JSON.stringify(value) ?? 'undefined';
}

function entriesOf(entries: Iterable<readonly [unknown, unknown]>): string {
  return [...entries]
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`)
    .sort()
    .join();
}
