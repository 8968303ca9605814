import pico from 'picocolors';
import type { Span } from '../model/span.ts';
import type { Diagnostic } from './diagnostic.ts';
import { maskLines, type ShownLine } from './mask.ts';
import type { Source } from './source.ts';

/**
 * All diagnostics as text for people: place, code and message, the lines around it with the place underlined, what was
 * found and what to write. Sorted by place, each once, with a count at the end. Values of sensitive keys are masked.
 */
export function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  sources: ReadonlyMap<string, Source>,
  { color }: { readonly color: boolean },
): string {
  if (diagnostics.length === 0) return '';
  const paint = pico.createColors(color);
  const frames = new Map<string, readonly ShownLine[]>();
  const shownLines = (file: string): readonly ShownLine[] | undefined => {
    const source = sources.get(file);
    if (!source) return undefined;
    const cached = frames.get(file) ?? maskLines(source.text.split(/\r?\n/));
    frames.set(file, cached);
    return cached;
  };
  const sorted = unique(diagnostics).sort(byPlace);
  const blocks = sorted.map((diagnostic) => block(diagnostic, shownLines, paint));
  return `${[...blocks, counts(sorted, paint)].join('\n\n')}\n`;
}

type Paint = ReturnType<typeof pico.createColors>;

function block(
  diagnostic: Diagnostic,
  shownLines: (file: string) => readonly ShownLine[] | undefined,
  paint: Paint,
): string {
  const { severity, code, message, found, fix, span, related = [] } = diagnostic;
  const tone = severity === 'error' ? paint.red : paint.yellow;
  const head = `${span ? `${paint.bold(place(span))}: ` : ''}${tone(`${severity}[${code}]`)}: ${printable(message)}`;
  const lines = span && shownLines(span.file);
  return [
    head,
    ...(span && lines ? codeFrame(span, lines, tone, paint) : []),
    ...(found === undefined ? [] : [`  ${paint.dim('found:')} ${printable(found)}`]),
    ...(fix === undefined ? [] : [`  ${paint.dim('write:')} ${fix}`]),
    ...related.map((other) => `  ${paint.dim('see:')}   ${place(other.span)}: ${other.message}`),
  ].join('\n');
}

/** A user's text on one line: what would move the cursor, or colour the terminal, is written out. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, escaped);
}

function escaped(char: string): string {
  return char === '\n' ? '\\n' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function codeFrame(
  span: Span,
  lines: readonly ShownLine[],
  tone: (text: string) => string,
  paint: Paint,
): readonly string[] {
  const first = Math.max(1, span.line - 1);
  const last = Math.min(lines.length, span.line + 1);
  const width = String(last).length;
  const frame: string[] = [];
  for (let number = first; number <= last; number += 1) {
    const line = lines[number - 1];
    if (!line || (line.text.trim() === '' && number !== span.line)) continue;
    frame.push(`  ${paint.dim(`${String(number).padStart(width)} |`)} ${line.text}`.trimEnd());
    if (number === span.line) frame.push(`  ${paint.dim(`${' '.repeat(width)} |`)} ${underline(span, line, tone)}`);
  }
  return frame;
}

function underline(span: Span, line: ShownLine, tone: (text: string) => string): string {
  const from = line.column(span.column);
  const to = span.endLine > span.line ? line.text.trimEnd().length + 1 : line.column(span.endColumn);
  const before = line.text.slice(0, from - 1).replace(/[^\t]/g, ' ');
  return before.padEnd(from - 1) + tone('^'.repeat(Math.max(1, to - from)));
}

function place({ file, line, column }: Span): string {
  return `${file}:${line}:${column}`;
}

function unique(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Map<string, Diagnostic>();
  for (const diagnostic of diagnostics) {
    const { code, message, span, found } = diagnostic;
    const id = JSON.stringify([code, message, found, span?.file, span?.line, span?.column]);
    if (!seen.has(id)) seen.set(id, diagnostic);
  }
  return [...seen.values()];
}

/** Those without a place come last: they speak of the command line or of the whole. */
function byPlace(a: Diagnostic, b: Diagnostic): number {
  if (!a.span || !b.span) return Number(!a.span) - Number(!b.span);
  if (a.span.file !== b.span.file) return a.span.file < b.span.file ? -1 : 1;
  return a.span.line - b.span.line || a.span.column - b.span.column;
}

function counts(diagnostics: readonly Diagnostic[], paint: Paint): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  const warnings = diagnostics.length - errors;
  const parts = [
    ...(errors > 0 ? [paint.red(`${errors} ${errors === 1 ? 'error' : 'errors'}`)] : []),
    ...(warnings > 0 ? [paint.yellow(`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`)] : []),
  ];
  return parts.join(', ');
}
