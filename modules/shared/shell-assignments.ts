import { remembered } from './remembered.ts';

/** What sourcing a file of plain assignments does, as Red Hat's network scripts source ifcfg and keys files. */
export interface Sourced {
  /** The value that each variable ends up with. `null`: the shell computes it (`$`, a backquote). */
  readonly variables: ReadonlyMap<string, string | null>;
  /** Something beside assignments and comments stands in the file: what it does is not known. */
  readonly hasCommands: boolean;
}

/** Reads the files one after another, as `.` would. Never runs anything. */
export function sourced(texts: Iterable<string>): Sourced {
  const variables = new Map<string, string | null>();
  let hasCommands = false;
  for (const text of texts) {
    const { assignments, commands } = statementsIn(text);
    for (const { name, value } of assignments) variables.set(name, value);
    hasCommands ||= commands.length > 0;
  }
  return { variables, hasCommands };
}

/** One assignment and where it stands in the text: `NAME=` begins at `start`, its value at `valueStart`. */
export interface PlacedAssignment {
  readonly name: string;
  /** null: the shell computes it. */
  readonly value: string | null;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

export interface Statements {
  readonly assignments: readonly PlacedAssignment[];
  /** Where something else begins that a shell would run. */
  readonly commands: readonly number[];
}

/** The statements of a file. */
export const statementsIn = remembered(readStatements, 1024);

function readStatements(text: string): Statements {
  const assignments: PlacedAssignment[] = [];
  const commands: number[] = [];
  let at = 0;
  while (at < text.length) {
    const found = assignment(text, at);
    if (found) {
      assignments.push({ ...found, start: at, valueStart: at + found.name.length + 1 });
      at = found.end;
      continue;
    }
    const blank = BLANK.exec(text.slice(at));
    if (blank) at += blank[0].length;
    else {
      commands.push(at);
      at = endOfLine(text, at);
    }
  }
  return { assignments, commands };
}

/** A word without its quotes; as it stands when it is not exactly one plain word. */
export function unquoted(text: string): string {
  const read = word(text, 0);
  return read && read.value !== null && read.end === text.length ? read.value : text;
}

/** `NAME=VALUE` on a line of its own, cut after the `=`. */
export function assignmentLine(
  line: string,
): { readonly name: string; readonly prefix: string; readonly value: string } | null {
  const match = /^([ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=)(.*)$/s.exec(line);
  return match ? { prefix: match[1] ?? '', name: match[2] ?? '', value: match[3] ?? '' } : null;
}

// Between assignments: blanks, line ends, semicolons, comments, and the word `export`.
const BLANK = /^(?:[ \t\n;]+|#[^\n]*|export[ \t]+(?=[A-Za-z_][A-Za-z0-9_]*=))/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*=/;

function assignment(text: string, start: number): { name: string; value: string | null; end: number } | null {
  const name = NAME.exec(text.slice(start, start + 200))?.[0];
  if (name === undefined) return null;
  const read = word(text, start + name.length);
  if (!read || !/^(?:[ \t\n;]|$)/.test(text.slice(read.end, read.end + 1))) return null;
  // `A=1 program` sets A for that program alone.
  if (/^[ \t]+(?![A-Za-z_][A-Za-z0-9_]*=)[^\s;#]/.test(text.slice(read.end))) return null;
  return { name: name.slice(0, -1), value: read.value, end: read.end };
}

/** One word of POSIX shell, 2.2 Quoting. */
function word(text: string, start: number): { value: string | null; end: number } | null {
  let value = '';
  let computed = false;
  let at = start;
  let quote: '"' | null = null;
  for (; at < text.length; at++) {
    const char = text[at] as string;
    if (char === '$' || char === '`') {
      computed = true;
      at = endOfExpansion(text, at);
    } else if (char === '\\') {
      const next = text[at + 1];
      at++;
      if (next === '\n') continue;
      if (next === undefined) value += '\\';
      else value += quote && !'$`"\\'.includes(next) ? `\\${next}` : next;
    } else if (quote) {
      if (char === '"') quote = null;
      else value += char;
    } else if (char === "'") {
      const end = text.indexOf("'", at + 1);
      if (end === -1) return null;
      value += text.slice(at + 1, end);
      at = end;
    } else if (char === '"') quote = '"';
    else if (' \t\n;'.includes(char)) break;
    else if (/[&|<>()]/.test(char)) return null;
    else value += char;
  }
  return quote ? null : { value: computed ? null : value, end: at };
}

/** The last character of `$NAME`, `${…}`, `$(…)` or a command in backquotes; near enough, for it is never evaluated. */
function endOfExpansion(text: string, at: number): number {
  const closing = { '`': '`', '{': '}', '(': ')' }[text[at] === '`' ? '`' : (text[at + 1] ?? '')];
  if (closing === undefined) return at;
  const end = text.indexOf(closing, at + 2);
  return end === -1 ? text.length : end;
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}
