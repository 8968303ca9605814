import pico from 'picocolors';
import type { Span } from '../model/span.ts';
import type { Diagnostic } from './diagnostic.ts';
import { maskLines, type ShownLine } from './mask.ts';
import type { Source } from './source.ts';

/**
 * All diagnostics as text for people: place, code and message, the lines around it with the place underlined, what was
 * found and what to write. Of a file that is encrypted no line is shown. Sorted by place, each once, with a count at the end. Values of sensitive keys are masked.
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
  const isSealed = (file: string) => sources.get(file)?.sealed === true;
  const blocks = sorted.map((diagnostic) => block(diagnostic, isSealed, shownLines, paint));
  return `${[...blocks, counts(sorted, paint)].join('\n\n')}\n`;
}

type Paint = ReturnType<typeof pico.createColors>;

function block(
  diagnostic: Diagnostic,
  isSealed: (file: string) => boolean,
  shownLines: (file: string) => readonly ShownLine[] | undefined,
  paint: Paint,
): string {
  const { severity, code, message, found, fix, span, related = [] } = diagnostic;
  const tone = severity === 'error' ? paint.red : paint.yellow;
  const head = `${span ? `${paint.bold(place(span))}: ` : ''}${tone(`${severity}[${code}]`)}: ${printable(message)}`;
  const sealed = span !== undefined && isSealed(span.file);
  const lines = span && !sealed && shownLines(span.file);
  return [
    head,
    ...(span && lines ? codeFrame(span, lines, tone, paint) : []),
    ...(sealed ? [`  ${paint.dim('this file is encrypted: its lines are not shown')}`] : []),
    ...(found === undefined || sealed ? [] : [`  ${paint.dim('found:')} ${printable(found)}`]),
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
    const [from, to] = number === span.line ? underlined(span, line) : [0, 0];
    const shown = cutAround(line.text, from);
    frame.push(`  ${paint.dim(`${String(number).padStart(width)} |`)} ${shown.text}`.trimEnd());
    if (number !== span.line) continue;
    const carets = underline(shown.text, from - shown.shift, Math.min(to - shown.shift, shown.end), tone);
    frame.push(`  ${paint.dim(`${' '.repeat(width)} |`)} ${carets}`);
  }
  return frame;
}

/** Where in the shown line the span begins and ends, counted from 0. */
function underlined(span: Span, line: ShownLine): readonly [from: number, to: number] {
  const from = line.column(span.column) - 1;
  return [from, span.endLine > span.line ? line.text.trimEnd().length : line.column(span.endColumn) - 1];
}

const LONGEST = 160;
/** Of a line that is cut, so much stands before the place. */
const LEAD = 50;

/** What is shown of a line, and by how much it is moved to the left; `end`: where the line's own text ends in it. */
function cutAround(line: string, at: number): { readonly text: string; readonly shift: number; readonly end: number } {
  if (line.length <= LONGEST) return { text: line, shift: 0, end: line.length };
  // Its end is shown with as much before it as there is room for.
  const latest = line.length - (LONGEST - 1);
  const start = at - LEAD <= 0 ? 0 : wholeFrom(line, Math.min(at - LEAD, latest));
  const head = start === 0 ? '' : '…';
  const isRest = line.length - start <= LONGEST - head.length;
  const end = isRest ? line.length : wholeUntil(line, start + LONGEST - head.length - 1);
  const text = head + line.slice(start, end);
  return { text: isRest ? text : `${text}…`, shift: start - head.length, end: text.length };
}

/** The same place, or the next, so that no half of a character (a surrogate) is shown. */
function wholeFrom(line: string, at: number): number {
  return isLowSurrogate(line, at) ? at + 1 : at;
}

function wholeUntil(line: string, at: number): number {
  return isLowSurrogate(line, at) ? at - 1 : at;
}

function isLowSurrogate(line: string, at: number): boolean {
  return /[\udc00-\udfff]/.test(line[at] ?? '');
}

function underline(line: string, from: number, to: number, tone: (text: string) => string): string {
  const before = line.slice(0, from).replace(/[^\t]/g, ' ');
  return before.padEnd(from) + tone('^'.repeat(Math.max(1, to - from)));
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
