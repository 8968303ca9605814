/** A statement of racoon.conf(5) at the outermost level, and where it stands in the text. */
export interface Statement {
  /** Words, strings with their quotes, and the marks `; { } ,`: all that racoon reads. */
  readonly tokens: readonly string[];
  readonly start: number;
  readonly end: number;
}

/** Cuts the text into its statements. Comments and blanks belong to none. */
export function statements(text: string): Statement[] {
  const found: Statement[] = [];
  let tokens: string[] = [];
  let start = 0;
  let end = 0;
  let depth = 0;
  const close = () => {
    if (tokens.length > 0) found.push({ tokens, start, end });
    tokens = [];
  };
  for (const match of text.matchAll(TOKEN)) {
    const token = match[0];
    if (token.startsWith('#')) continue;
    // `include "FILE"` may lack its semicolon: the chapters show it so.
    if (depth === 0 && token !== ';' && tokens.length === 2 && tokens[0] === 'include') close();
    if (tokens.length === 0) start = match.index;
    tokens.push(token);
    end = match.index + token.length;
    if (token === '{') depth++;
    if (token === '}') depth = Math.max(0, depth - 1);
    if (depth === 0 && (token === ';' || token === '}')) close();
  }
  close();
  return found;
}

/** The file that a statement includes, or null when it is another statement. */
function included(statement: Statement): string | null {
  const [keyword, file, end] = statement.tokens;
  if (keyword !== 'include' || !file?.startsWith('"') || (end !== undefined && end !== ';')) return null;
  return file.slice(1, -1);
}

/**
 * What the text says, apart from the includes that ifup writes: equal texts mean the same to racoon. It reads all of the
 * file before it does anything, so the order of its statements does not matter.
 */
export function meaning(text: string): string {
  const own = statements(text).filter((statement) => !isOfIfup(included(statement)));
  return own
    .map(({ tokens }) => tokens.join('\n'))
    .sort()
    .join('\n');
}

/** The includes that ifup writes and moves about, one a peer. */
export function includesOfIfup(text: string): string[] {
  const files = statements(text).flatMap((statement) => included(statement) ?? []);
  return [...new Set(files.filter(isOfIfup))];
}

/** `text` without its includes of that file; a line that held nothing else goes as a whole. */
export function withoutInclude(text: string, file: string): string {
  let rest = text;
  for (const statement of statements(text).reverse()) {
    if (included(statement) !== file) continue;
    let { start, end } = statement;
    const lineStart = rest.lastIndexOf('\n', start - 1) + 1;
    const lineEnd = /^[ \t\r]*(?:\n|$)/.exec(rest.slice(end))?.[0].length;
    if (lineEnd !== undefined && rest.slice(lineStart, start).trim() === '') {
      start = lineStart;
      end += lineEnd;
    }
    rest = rest.slice(0, start) + rest.slice(end);
  }
  return rest;
}

// A comment runs to the end of its line; a string has no escapes (cftoken.l).
const TOKEN = /#[^\n]*|"[^"]*"?|[;{},]|[^\s#";{},]+/g;

function isOfIfup(file: string | null): boolean {
  return file !== null && /^\/etc\/racoon\/[^/]+\.conf$/.test(file);
}
