import { type Content, isSensitive, sameContent } from '../../src/model/content.ts';
import { Secret } from '../../src/model/secret.ts';
import { connectionVariables, differingVariables, type Implied, isReadByIfup } from './connection-files.ts';
import { plain } from './file-change.ts';
import { assignmentLine, type PlacedAssignment, statementsIn } from './shell-assignments.ts';

/**
 * What a file of a connection becomes, so that it says to ifup what `wanted` says. Comments, quotes, blank lines and
 * variables that ifup never looks at stay; a file that does more than assign is written anew. Undefined: it says it already.
 */
export function saying(wanted: Content, found: string, implied: Implied): Content | undefined {
  if (found === plain(wanted)) return undefined;
  const asked = connectionVariables([plain(wanted)]);
  const counts = (name: string) => isReadByIfup(name) || asked.variables.has(name) || Object.hasOwn(implied, name);
  const differing = (text: string) => differingVariables(connectionVariables([text]), asked, implied, counts);
  if (!connectionVariables([found]).hasCommands && differing(found).length === 0) return undefined;
  const before = connectionVariables([found]).variables;
  const isDue = (name: string) =>
    counts(name) && before.get(name) !== asked.variables.get(name) && (before.get(name) ?? null) !== implied[name];
  const text = edited(plain(wanted), found, isDue);
  if (text === null || differing(text).length > 0) return wanted;
  if (sameContent([text], wanted)) return wanted;
  // In a file of keys a comment may well be an old key.
  return isSensitive(wanted) ? keyLines(text) : [text];
}

function keyLines(text: string): Content {
  return text.split(/(?<=\n)/).flatMap((line) => {
    const bare = line.replace(/\n$/, '');
    if (bare.trim() === '') return [line];
    const { prefix = '', value = bare } = assignmentLine(bare) ?? {};
    return [prefix, ...(value === '' ? [] : [new Secret(value)]), line.slice(bare.length)].filter(
      (part) => part !== '',
    );
  });
}

/** Null: the file cannot be edited line by line. */
function edited(wanted: string, found: string, isDue: (name: string) => boolean): string | null {
  const { assignments, commands } = statementsIn(found);
  if (commands.length > 0) return null;
  const words = new Map(
    wanted.split('\n').flatMap((line) => {
      const read = assignmentLine(line);
      return read ? [[read.name, read.value] as const] : [];
    }),
  );
  let text = found;
  for (const one of [...assignments].reverse()) {
    if (!isDue(one.name)) continue;
    const word = words.get(one.name);
    if (word !== undefined) text = text.slice(0, one.valueStart) + word + text.slice(one.end);
    else {
      const line = lineOf(text, one);
      if (line === null) return null;
      text = text.slice(0, line.start) + text.slice(line.end);
    }
  }
  const there = new Set(assignments.map(({ name }) => name));
  const missing = [...words].filter(([name]) => !there.has(name) && isDue(name));
  if (missing.length > 0 && text !== '' && !text.endsWith('\n')) text += '\n';
  return text + missing.map(([name, word]) => `${name}=${word}\n`).join('');
}

/** The line of an assignment that stands alone on it, a comment behind it aside. */
function lineOf(
  text: string,
  { start, end }: PlacedAssignment,
): { readonly start: number; readonly end: number } | null {
  const from = text.lastIndexOf('\n', start - 1) + 1;
  const rest = /^[ \t]*(?:#[^\n]*)?(?:\n|$)/.exec(text.slice(end));
  return rest && /^[ \t]*(?:export[ \t]+)?$/.test(text.slice(from, start))
    ? { start: from, end: end + rest[0].length }
    : null;
}
