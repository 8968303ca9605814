import { mkdtempSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { UsageFault } from '../exit.ts';
import { type ReplaceFault, replaceFile } from '../machine/replace-file.ts';
import type { Terminal } from '../machine/terminal.ts';

/** The standard streams, as ansible-vault has them. */
export const STREAM = '-';

/** A file that a command works on, as it was when it was read. */
export interface TextFile {
  /** As the user wrote it. */
  readonly name: string;
  /** The file itself, where the name is a link; null: a standard stream. */
  readonly path: string | null;
  readonly text: string;
}

/** Reads files that hold UTF-8 text, each once. */
export async function readTexts(names: readonly string[], terminal: Terminal): Promise<readonly TextFile[]> {
  const files = new Map<string, TextFile>();
  for (const name of names) {
    const path = name === STREAM ? null : realPath(name);
    if (!files.has(path ?? STREAM)) files.set(path ?? STREAM, { name, path, text: await textOf(name, path, terminal) });
  }
  return [...files.values()];
}

/** Puts a text in the place of a file that was read, or on stdout for stdin. `mode`: without it the file's own. */
export function rewrite({ path, text: before }: TextFile, text: string, terminal: Terminal, mode?: number): void {
  if (path === null) terminal.stdout(text);
  else refuse(path, replaceFile(path, text, { before, mode }));
}

/** Writes to a new or an existing file, or to stdout. */
export function writeText(name: string, text: string, terminal: Terminal, mode?: number): void {
  if (name === STREAM) terminal.stdout(text);
  else refuse(name, isStream(name) ? writeStream(name, text) : replaceFile(name, text, { mode }));
}

/** Keeps an encrypted text that cannot go where it belongs: beside it, or else in a folder of its own; that place. */
export function keep(path: string, sealed: string): string {
  const write = (place: string) => {
    writeFileSync(place, sealed, { flag: 'wx', mode: 0o600 });
    return place;
  };
  try {
    return write(`${path}.edited`);
  } catch {
    return write(join(mkdtempSync(join(tmpdir(), 'ipsec-play-edited-')), basename(path)));
  }
}

/** UTF-8 text, or undefined. */
export function decoded(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : undefined;
}

async function textOf(name: string, path: string | null, terminal: Terminal): Promise<string> {
  const text = decoded(path === null ? await terminal.stdin() : readBytes(path));
  if (text !== undefined) return text;
  throw new UsageFault(
    `${path === null ? 'stdin' : name} is not UTF-8 text`,
    'a text; `ansible-vault` takes binary files',
  );
}

function realPath(name: string): string {
  try {
    return realpathSync(name);
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(name: string, cause: unknown): UsageFault {
  const code = codeOf(cause);
  const why: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'you may not read it',
    EISDIR: 'it is a directory',
  };
  return new UsageFault(`${name}: ${why[code] ?? code}`);
}

/** `/dev/stdout`, `/dev/null`, a pipe: what is written to, and stays what it is. */
function isStream(name: string): boolean {
  const found = statSync(name, { throwIfNoEntry: false });
  return found !== undefined && !found.isFile() && !found.isDirectory();
}

function writeStream(name: string, text: string): ReplaceFault | null {
  try {
    writeFileSync(name, text);
    return null;
  } catch (cause) {
    return { why: `it cannot be written: ${codeOf(cause)}`, fix: 'check who may write to it' };
  }
}

function refuse(name: string, fault: ReplaceFault | null): void {
  if (fault !== null) throw new UsageFault(`nothing was written to ${name}: ${fault.why}`, fault.fix);
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
}
