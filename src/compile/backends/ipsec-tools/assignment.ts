import { type Content, content, toBytes } from '../../../model/content.ts';
import type { Secret } from '../../../model/secret.ts';

/** `NAME=value`, a line of a file that a shell sources; the value is quoted only where it must be. */
export interface Assignment {
  readonly name: string;
  readonly value: string | Secret;
}

/** The assignments, those with a value, as the bytes of a file. */
export function assignments(list: readonly (Assignment | null)[]): Content {
  const parts: (string | Secret)[] = [];
  let text = '';
  for (const item of list) {
    if (item === null) continue;
    if (typeof item.value === 'string') {
      text += `${item.name}=${shellWord(toBytes(item.value))}\n`;
      continue;
    }
    parts.push(...content`${text}${item.name}=${item.value.map((value) => shellWord(toBytes(value)))}`);
    text = '\n';
  }
  return text === '' ? parts : [...parts, text];
}

/** An assignment of `value`, or none when there is no value. */
export function assign(name: string, value: string | number | Secret | undefined): Assignment | null {
  if (value === undefined) return null;
  return { name, value: typeof value === 'number' ? String(value) : value };
}

/** One word for the shell that sources the file; bare where that is safe, as in Red Hat's examples. */
function shellWord(value: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
