import { LineCounter } from 'yaml';
import type { Span } from '../model/span.ts';

/** The text of one file the user wrote. `file` is the name that messages show: relative to the working directory. */
export interface Source {
  readonly file: string;
  readonly text: string;
  readonly lines: LineCounter;
  /** The file is encrypted: this is what nobody may see, so that no line of it is shown. */
  readonly sealed?: boolean;
}

export function makeSource(file: string, text: string, sealed = false): Source {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return { file, text, lines, ...(sealed ? { sealed } : {}) };
}

/** The span of the characters from `start` up to, not including, `end`. */
export function spanOf(source: Source, start: number, end: number): Span {
  const from = source.lines.linePos(Math.min(start, source.text.length));
  const to = source.lines.linePos(Math.min(Math.max(end, start), source.text.length));
  return { file: source.file, line: from.line, column: from.col, endLine: to.line, endColumn: to.col };
}
