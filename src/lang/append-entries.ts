import { isMap, isScalar, type Node, parseDocument } from 'yaml';
import { ansibleTags } from './yaml-tags.ts';

/** The text with its new entries, and in which line the first of them stands, counted from 1. */
export interface Appended {
  readonly text: string;
  readonly line: number;
}

/**
 * Puts entries behind those of a mapping at the top of a YAML text; where it is missing or empty, it is made. No other byte
 * changes. `entries` are lines indented by two columns. Null: the mapping stands in braces or elsewhere, so lines cannot
 * be put into it.
 */
export function appendEntries(text: string, key: string, entries: string): Appended | null {
  const document = parseDocument(text, {
    version: '1.1',
    prettyErrors: false,
    logLevel: 'error',
    keepSourceTokens: true,
    customTags: (tags) => ansibleTags(tags),
  });
  if (document.errors.length > 0) return null;
  const top = document.contents as Node | null;
  if (top !== null && !(isMap(top) && top.flow !== true)) return null;
  const pair = isMap(top) ? top.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
  if (pair === undefined) {
    const head = text === '' || text.endsWith('\n') ? text : `${text}\n`;
    return inserted(head, head.length, `${head.trim() === '' ? '' : '\n'}${key}:\n`, entries, 0);
  }
  const value = pair.value as Node | null;
  if (value === null || (isScalar(value) && value.value === null)) {
    if (value?.anchor) return null;
    return inserted(text, endOfLine(text, (pair.key as Node).range?.[1] ?? 0), '', entries, 0);
  }
  if (!isMap(value) || value.anchor) return null;
  if (value.flow === true) {
    const [start, end] = value.range ?? [0, 0];
    if (value.items.length > 0 || text.slice(start, end).includes('\n')) return null;
    const without = text.slice(0, start).replace(/[ \t]+$/, '') + text.slice(end);
    return inserted(without, endOfLine(without, start - 1), '', entries, 0);
  }
  const first = value.items[0]?.key as Node | undefined;
  const column = columnOf(text, first?.range?.[0] ?? 0);
  return inserted(text, endOfLine(text, lastOf(value)), '\n', entries, column - 2);
}

/** `more`: columns that the entries are moved to the right, or to the left. */
function inserted(text: string, at: number, head: string, entries: string, more: number): Appended {
  const isOnNewLine = at === 0 || text[at - 1] === '\n';
  const moved = entries.replaceAll(/^ +/gm, (blank) => ' '.repeat(Math.max(0, blank.length + more)));
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const block = `${isOnNewLine ? '' : '\n'}${head}`;
  const before = text.slice(0, at) + block.replaceAll('\n', eol);
  return { text: before + moved.replaceAll('\n', eol) + text.slice(at), line: before.split('\n').length };
}

/** Where the last value of a block ends, comments below it aside. */
function lastOf(node: Node): number {
  const last = isMap(node) && node.flow !== true ? (node.items.at(-1)?.value as Node | null | undefined) : undefined;
  if (last) return lastOf(last);
  const key = isMap(node) && node.flow !== true ? (node.items.at(-1)?.key as Node | undefined) : undefined;
  return key?.range?.[1] ?? node.range?.[1] ?? 0;
}

/** The beginning of the line behind the one that `at` ends in. */
function endOfLine(text: string, at: number): number {
  if (text[at - 1] === '\n') return at;
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}

function columnOf(text: string, at: number): number {
  return at - (text.lastIndexOf('\n', at - 1) + 1);
}
