import { Secret } from '../../model/secret.ts';
import { LazyMapping } from '../lazy-mapping.ts';
import { opened } from '../opened.ts';
import { TemplateFault } from '../template-fault.ts';
import { Vaulted } from '../vaulted.ts';
import { replaceText, splitText } from './text-filters.ts';
import { defined, isMapping, kind, lift, materialize, revealed } from './values.ts';

/** `object.name(…)`: the methods of Python's strings and dictionaries that templates use. */
export function callMethod(object: unknown, name: string, args: readonly unknown[]): unknown {
  const known = object instanceof Vaulted ? opened(object) : defined(object);
  if (typeof known === 'string' || known instanceof Secret) {
    const method = Object.hasOwn(STRING_METHODS, name) ? STRING_METHODS[name] : undefined;
    if (method) return lift([known, ...args], (text, ...rest) => method(String(text), rest));
  }
  if (isMapping(known) || known instanceof LazyMapping) {
    const entries = materialize(known) as Record<string, unknown>;
    if (name === 'items') return Object.entries(entries);
    if (name === 'keys') return Object.keys(entries);
    if (name === 'values') return Object.values(entries);
    if (name === 'get') {
      const key = String(revealed(args[0] ?? ''));
      return Object.hasOwn(entries, key) ? entries[key] : (args[1] ?? null);
    }
  }
  throw new TemplateFault('template-filter', `${kind(known)} has no method "${name}"`, 'a filter, as in x | lower');
}

const STRING_METHODS: Readonly<Record<string, (text: string, args: readonly unknown[]) => unknown>> = {
  upper: (text) => text.toUpperCase(),
  lower: (text) => text.toLowerCase(),
  strip: (text) => text.trim(),
  lstrip: (text) => text.trimStart(),
  rstrip: (text) => text.trimEnd(),
  title: (text) => text.replace(/[a-z]+/gi, (word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase()),
  capitalize: (text) => text.charAt(0).toUpperCase() + text.slice(1).toLowerCase(),
  split: (text, [separator]) => splitText(text, separator),
  splitlines: (text) => text.replace(/\r?\n$/, '').split(/\r?\n/),
  replace: (text, [from, to, count]) => replaceText(text, String(from), String(to), count),
  startswith: (text, [start]) => [start].flat().some((one) => text.startsWith(String(one))),
  endswith: (text, [end]) => [end].flat().some((one) => text.endsWith(String(one))),
  join: (text, [items]) => (Array.isArray(items) ? items.map(String).join(text) : ''),
  find: (text, [part]) => text.indexOf(String(part)),
  count: (text, [part]) => text.split(String(part)).length - 1,
  isdigit: (text) => /^\d+$/.test(text),
  isalpha: (text) => /^\p{L}+$/u.test(text),
  zfill: (text, [width]) => text.padStart(Number(width), '0'),
};
