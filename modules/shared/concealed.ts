import type { FileDiff } from '../../src/engine/module.ts';
import { type Content, isSensitive, joined, sameContent } from '../../src/model/content.ts';
import { reveal, Secret } from '../../src/model/secret.ts';
import { assignmentLine, unquoted } from './shell-assignments.ts';

/**
 * The diff of a file that holds secrets, line by line comparable: of `NAME=value` only the value is secret, its quotes
 * removed, so that its fingerprint is the same wherever the same key stands. What stood in the file before is secret,
 * but for lines that the new content itself shows in the open.
 */
export function concealedDiff(path: string, before: string | null, after: Content | null): FileDiff {
  const known = open(after);
  const diff = (values: (value: string) => string): FileDiff => ({
    path,
    before: before === null ? null : linesOf([before]).flatMap((line) => concealed(textOf(line), known, values)),
    after: after === null ? null : linesOf(after).flatMap((line) => (isSensitive(line) ? partly(line, values) : line)),
  });
  const shown = diff(unquoted);
  // Only the quoting differs: then show that.
  const alike = shown.before !== null && shown.after !== null && sameContent(shown.before, shown.after);
  return alike ? diff((value) => value) : shown;
}

/** The text of a file that a task edits: what is secret in it, line by line. Blank lines never are. */
export function linesContent(text: string, isSecret: (line: string) => boolean): Content {
  return linesOf([text]).flatMap((parts) => {
    const line = textOf(parts);
    const bare = line.replace(/\r?\n$/, '');
    return bare.trim() !== '' && isSecret(bare) ? [new Secret(bare), line.slice(bare.length)] : parts;
  });
}

/** A file's diff in the open. */
export function openDiff(path: string, before: string | null, after: Content | null): FileDiff {
  return { path, before: before === null ? null : [before], after };
}

interface Open {
  readonly lines: ReadonlySet<string>;
  /** Lines that are secret as a whole. */
  readonly hidden: ReadonlySet<string>;
}

function open(content: Content | null): Open {
  const all = linesOf(content ?? []);
  return {
    lines: new Set(all.filter((line) => !isSensitive(line)).map(textOf)),
    hidden: new Set(all.filter((line) => line[0] instanceof Secret).map(textOf)),
  };
}

function concealed(line: string, known: Open, values: (value: string) => string): Content {
  const bare = line.replace(/\n$/, '');
  if (bare.trim() === '' || known.lines.has(line) || known.lines.has(`${bare}\n`)) return [line];
  const assigned = assignmentLine(bare);
  if (known.hidden.has(line)) return withEnd([new Secret(bare)], line);
  return withEnd(assigned ? [assigned.prefix, hidden(values(assigned.value))] : [new Secret(bare)], line);
}

/** A line of ours with a secret in it. */
function partly(line: Content, values: (value: string) => string): Content {
  const text = textOf(line);
  const assigned = assignmentLine(text.replace(/\n$/, ''));
  const openStart = typeof line[0] === 'string' ? line[0] : '';
  if (!assigned || !openStart.startsWith(assigned.prefix)) return line;
  return withEnd([assigned.prefix, hidden(values(assigned.value))], text);
}

function hidden(value: string): string | Secret {
  return value === '' ? '' : new Secret(value);
}

function withEnd(parts: Content, line: string): Content {
  return line.endsWith('\n') ? [...parts, '\n'] : parts;
}

/** Cut after each line end, within secret parts as well. */
function linesOf(content: Content): Content[] {
  const lines: (string | Secret)[][] = [[]];
  for (const part of content) {
    const secret = part instanceof Secret;
    for (const piece of (secret ? reveal(part) : part).split(/(?<=\n)/)) {
      if (piece === '') continue;
      lines.at(-1)?.push(secret && piece !== '\n' ? new Secret(piece) : piece);
      if (piece.endsWith('\n')) lines.push([]);
    }
  }
  return lines.filter((line) => line.length > 0);
}

function textOf(line: Content): string {
  const text = joined(line);
  return typeof text === 'string' ? text : reveal(text);
}
