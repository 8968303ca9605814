import type { Arguments, TextFilter } from './filters.ts';
import { pythonRegex, substitute } from './python-regex.ts';
import { jsonText, textOf } from './text.ts';
import { fail, isMapping, kind } from './values.ts';

/** Filters that compute a new value. They see plain values only; `filters.ts` keeps secrets secret. */
export const TEXT_FILTERS: Readonly<Record<string, TextFilter>> = {
  upper: (value) => textOf(value).toUpperCase(),
  lower: (value) => textOf(value).toLowerCase(),
  capitalize: (value) => textOf(value).charAt(0).toUpperCase() + textOf(value).slice(1).toLowerCase(),
  title: (value) =>
    textOf(value).replace(/[^\s([{<-]+/g, (word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase()),
  trim: (value, args) => strip(textOf(value), args.positional[0]),
  string: textOf,
  join: (value, args) =>
    list(value)
      .map((item) => textOf(entry(item, args)))
      .join(textOf(args.positional[0] ?? args.named.d ?? '')),
  replace: (value, { positional: [from, to, count] }) => replaceText(textOf(value), textOf(from), textOf(to), count),
  split: (value, { positional: [separator] }) => splitText(textOf(value), separator),
  int: (value, { positional: [fallback, base], named }) =>
    integer(value, fallback ?? named.default ?? 0, base ?? named.base ?? 10),
  float: (value, { positional: [fallback] }) => (Number.isNaN(toNumber(value)) ? (fallback ?? 0) : toNumber(value)),
  bool: toBool,
  abs: (value) => Math.abs(number(value)),
  round: (value, { positional: [digits, method] }) =>
    round(number(value), Number(digits ?? 0), textOf(method ?? 'common')),
  sum: (value, args) =>
    list(value).reduce<number>((total, item) => total + number(entry(item, args)), number(args.named.start ?? 0)),
  format: (value, { positional }) => printf(textOf(value), positional),
  to_json: (value, { named }) => jsonText(value, Number(named.indent ?? 0)),
  tojson: (value, { named }) => jsonText(value, Number(named.indent ?? 0)),
  to_nice_json: (value, { named }) => jsonText(sorted(value), Number(named.indent ?? 4)),
  from_json: (value) => fromJson(textOf(value)),
  regex_replace: (value, { positional: [pattern, replacement], named }) =>
    substitute(
      textOf(value),
      pythonRegex(textOf(pattern ?? named.pattern), `g${flags(named)}`),
      textOf(replacement ?? named.replacement),
    ),
  regex_search: (value, { positional: [pattern, ...groups], named }) =>
    search(textOf(value), pythonRegex(textOf(pattern), flags(named)), groups),
  regex_findall: (value, { positional: [pattern], named }) =>
    [...textOf(value).matchAll(pythonRegex(textOf(pattern), `g${flags(named)}`))].map((match) =>
      match.length > 2 ? match.slice(1) : (match[1] ?? match[0]),
    ),
  regex_escape: (value) => textOf(value).replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&'),
  basename: (value) => textOf(value).slice(textOf(value).lastIndexOf('/') + 1),
  dirname: (value) => dirname(textOf(value)),
  splitext: (value) => splitext(textOf(value)),
  quote: (value) => shellQuote(textOf(value)),
  b64encode: (value) => Buffer.from(textOf(value), 'utf8').toString('base64'),
  b64decode: (value) => Buffer.from(textOf(value), 'base64').toString('utf8'),
  indent: (value, { positional: [width, first], named }) =>
    indent(textOf(value), Number(width ?? named.width ?? 4), (first ?? named.first) === true),
};

function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value === 'string') return [...value];
  return isMapping(value) ? Object.keys(value) : fail(`${kind(value)} is given where a list is needed`);
}

/** `attribute=` of join and sum. */
function entry(item: unknown, { named }: Arguments): unknown {
  const attribute = named.attribute;
  if (attribute === undefined) return item;
  return isMapping(item) ? item[textOf(attribute)] : fail(`${kind(item)} has no attributes`);
}

function strip(text: string, characters: unknown): string {
  if (characters === undefined || characters === null) return text.trim();
  const set = new Set(textOf(characters));
  let [start, end] = [0, text.length];
  while (start < end && set.has(text.charAt(start))) start += 1;
  while (end > start && set.has(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

export function replaceText(text: string, from: string, to: string, count: unknown): string {
  if (typeof count !== 'number') return text.replaceAll(from, () => to);
  let result = text;
  let at = 0;
  for (let times = 0; times < count; times += 1) {
    at = result.indexOf(from, at);
    if (at === -1) break;
    result = result.slice(0, at) + to + result.slice(at + from.length);
    at += to.length;
  }
  return result;
}

export function splitText(text: string, separator: unknown): readonly string[] {
  if (separator === undefined || separator === null) return text.trim() === '' ? [] : text.trim().split(/\s+/);
  return separator === '' ? fail('an empty separator splits nothing') : text.split(textOf(separator));
}

function integer(value: unknown, fallback: unknown, base: unknown): unknown {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number') return Math.trunc(value);
  const text = textOf(value).trim().replaceAll('_', '');
  const digits = text.replace(/^([-+]?)0[xob]/i, '$1');
  if (base !== 10) {
    const parsed = Number.parseInt(digits, Number(base));
    return Number.isNaN(parsed) ? fallback : parsed;
  }
  return /^[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?$/i.test(text) ? Math.trunc(Number(text)) : fallback;
}

function toNumber(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'boolean') return Number(value);
  return typeof value === 'string' && value.trim() !== '' ? Number(value.replaceAll('_', '')) : Number.NaN;
}

function number(value: unknown): number {
  return typeof value === 'number' || typeof value === 'boolean'
    ? Number(value)
    : fail(`${kind(value)} is given where a number is needed`, 'the filter int before it');
}

/** Ansible's `bool`: everything it does not know is false. */
function toBool(value: unknown): boolean | null {
  if (value === null || typeof value === 'boolean') return value;
  return ['yes', 'on', '1', 'true'].includes(textOf(value).toLowerCase());
}

function round(value: number, digits: number, method: string): number {
  const scale = 10 ** digits;
  if (method === 'ceil') return Math.ceil(value * scale) / scale;
  if (method === 'floor') return Math.floor(value * scale) / scale;
  return Math.round(value * scale) / scale;
}

/** Python's % formatting, of the conversions a playbook uses. */
function printf(format: string, values: readonly unknown[]): string {
  let next = 0;
  return format.replace(
    /%(?:%|([-0]*)(\d*)(?:\.(\d+))?([sdifxX]))/g,
    (all, flag: string, width: string, digits: string, conversion: string) => {
      if (all === '%%') return '%';
      const value = values[next];
      next += 1;
      let text = textOf(value);
      if (conversion === 'd' || conversion === 'i') text = String(Math.trunc(number(value)));
      if (conversion === 'f') text = number(value).toFixed(Number(digits ?? 6));
      if (conversion === 'x' || conversion === 'X') text = Math.trunc(number(value)).toString(16);
      if (conversion === 'X') text = text.toUpperCase();
      if (flag.includes('-')) return text.padEnd(Number(width));
      return text.padStart(Number(width), flag.includes('0') && conversion !== 's' ? '0' : ' ');
    },
  );
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return fail('from_json was given a text that is not JSON');
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}

function flags(named: Readonly<Record<string, unknown>>): string {
  return (named.ignorecase === true ? 'i' : '') + (named.multiline === true ? 'm' : '');
}

/** None where nothing matches; with groups (`'\\1'`) a list of them. */
function search(text: string, regex: RegExp, groups: readonly unknown[]): unknown {
  const match = regex.exec(text);
  if (!match) return null;
  if (groups.length === 0) return match[0];
  return groups.map((group) => {
    const name = textOf(group).replace(/^\\(?:g<)?|>$/g, '');
    return (/^\d+$/.test(name) ? match[Number(name)] : match.groups?.[name]) ?? null;
  });
}

function dirname(path: string): string {
  const head = path.slice(0, path.lastIndexOf('/') + 1);
  return /^\/*$/.test(head) ? head : head.replace(/\/+$/, '');
}

function splitext(path: string): readonly [string, string] {
  const dot = path.lastIndexOf('.');
  const name = path.slice(path.lastIndexOf('/') + 1, Math.max(dot, 0));
  return dot > path.lastIndexOf('/') && /[^.]/.test(name) ? [path.slice(0, dot), path.slice(dot)] : [path, ''];
}

/** Python's shlex.quote. */
function shellQuote(text: string): string {
  if (text === '') return "''";
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

function indent(text: string, width: number, first: boolean): string {
  const lines = text.split('\n');
  return lines.map((line, at) => ((at === 0 && !first) || line === '' ? line : ' '.repeat(width) + line)).join('\n');
}
