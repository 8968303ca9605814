import { createTwoFilesPatch } from 'diff';
import type { Colors } from 'picocolors/types';
import type { DiffText } from '../engine/result.ts';

/** A diff for people: unified for a file, `thing: before -> after` for anything else. Lines, without indentation. */
export function diffLines(diff: DiffText, colors: Colors): readonly string[] {
  if (!diff.path.startsWith('/')) return [oneLine(diff, colors)];
  const patch = createTwoFilesPatch(
    diff.before === null ? '/dev/null' : diff.path,
    diff.after === null ? '/dev/null' : diff.path,
    diff.before ?? '',
    diff.after ?? '',
    undefined,
    undefined,
    { context: 2 },
  );
  const lines = patch.split('\n').slice(0, -1);
  const start = lines.findIndex((line) => line.startsWith('--- '));
  const header = lines.slice(start, start + 2).map((line) => colors.bold(visible(line.replace(/\t$/, ''))));
  return [...header, ...lines.slice(start + 2).map((line) => paint(line, colors))];
}

function oneLine(diff: DiffText, colors: Colors): string {
  const path = visibleLine(diff.path);
  const before = colors.red(visibleLine(diff.before ?? ''));
  if (diff.after === null) return `${path}: ${before} -> gone`;
  const after = colors.green(visibleLine(diff.after));
  return diff.before === null ? `${path}: ${after}` : `${path}: ${before} -> ${after}`;
}

function paint(line: string, colors: Colors): string {
  const shown = visible(line);
  if (line.startsWith('@@')) return colors.cyan(shown);
  if (line.startsWith('+')) return colors.green(shown);
  if (line.startsWith('-')) return colors.red(shown);
  return shown;
}

/**
 * Text from elsewhere for a terminal: control characters must not reach it as such, nor those that turn the direction of
 * writing, so that a line could read otherwise than it is.
 */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (char) =>
    char === '\n' || char === '\t' ? char : escaped(char),
  );
}

/** The same for what must stay on one line: a name with a line feed in it could pass for another host's line. */
export function visibleLine(text: string): string {
  return visible(text).replace(/[\n\t]/g, (char) => (char === '\n' ? '\\n' : '\\t'));
}

function escaped(char: string): string {
  const code = char.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
}
