import { createTwoFilesPatch } from 'diff';
import type { Colors } from 'picocolors/types';
import type { DiffText } from '../engine/result.ts';
import { visible, visibleLine } from './visible.ts';

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
