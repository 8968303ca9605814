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
  return lines.slice(start).map((line) => paint(line, colors));
}

function oneLine({ path, before, after }: DiffText, colors: Colors): string {
  if (before === null && after !== null) return `${path}: ${colors.green(after)}`;
  if (after === null) return `${path}: ${colors.red(before ?? '')} -> gone`;
  return `${path}: ${colors.red(before ?? '')} -> ${colors.green(after)}`;
}

function paint(line: string, colors: Colors): string {
  const shown = visible(line.replace(/\t$/, ''));
  if (/^(---|\+\+\+) /.test(line)) return colors.bold(shown);
  if (line.startsWith('@@')) return colors.cyan(shown);
  if (line.startsWith('+')) return colors.green(shown);
  if (line.startsWith('-')) return colors.red(shown);
  return shown;
}

/** Control characters of a file's content must not reach the terminal as such. */
export function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => {
    if (char === '\n' || char === '\t') return char;
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
