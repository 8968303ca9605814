import { isMapping } from './values.ts';

/** A plain value as a template prints it: Python's str(), with nothing for None. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : repr(value);
}

/** Python's repr(). */
export function repr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (!isMapping(value)) return String(value);
  return `{${Object.entries(value)
    .map(([key, inner]) => `${quoted(key)}: ${repr(inner)}`)
    .join(', ')}}`;
}

/** Python's json.dumps, in its spelling. */
export function jsonText(value: unknown, indent = 0, depth = 1): string {
  if (Array.isArray(value))
    return bracket(
      '[',
      value.map((item) => jsonText(item, indent, depth + 1)),
      ']',
      indent,
      depth,
    );
  if (isMapping(value)) {
    const entries = Object.entries(value).map(
      ([key, inner]) => `${scalar(key)}: ${jsonText(inner, indent, depth + 1)}`,
    );
    return bracket('{', entries, '}', indent, depth);
  }
  return scalar(value);
}

function bracket(open: string, items: readonly string[], close: string, indent: number, depth: number): string {
  if (indent === 0 || items.length === 0) return `${open}${items.join(', ')}${close}`;
  const pad = `\n${' '.repeat(indent * depth)}`;
  return `${open}${pad}${items.join(`,${pad}`)}\n${' '.repeat(indent * (depth - 1))}${close}`;
}

function scalar(value: unknown): string {
  const text = JSON.stringify(value ?? null);
  return text.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function quoted(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\\n\r\t]/g, (char) => ESCAPES[char] ?? char).replaceAll(mark, `\\${mark}`);
  return mark + escaped + mark;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
