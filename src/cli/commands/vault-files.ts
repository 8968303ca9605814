import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UsageFault } from '../exit.ts';
import type { Terminal } from '../terminal.ts';

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

/**
 * Puts a text in a file's place, at once and completely or not at all: it is written beside it, by nobody else to be read,
 * and renamed. `mode`: at most these permissions; without it those of the file that was there, or the owner's alone.
 */
export function replaceFile(path: string, text: string, mode?: number): void {
  const before = statOf(path);
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    const file = openSync(beside, 'wx', 0o600);
    try {
      writeAll(file, Buffer.from(text));
      if (before !== undefined) giveTo(beside, before.uid, before.gid);
      fchmodSync(file, mode ?? (before === undefined ? 0o600 : before.mode & 0o777));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, path);
  } catch (cause) {
    rmSync(beside, { force: true });
    throw new UsageFault(
      `${path} cannot be written: ${codeOf(cause)}; it is as it was`,
      'check the folder and who may write to it',
    );
  }
}

/** Writes to a new or an existing file, or to stdout. */
export function writeText(name: string, text: string, terminal: Terminal, mode?: number): void {
  if (name === STREAM) terminal.stdout(text);
  else replaceFile(statOf(name) === undefined ? name : realPath(name), text, mode);
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

function statOf(path: string) {
  return statSync(path, { throwIfNoEntry: false });
}

/** Only root may give files away; everybody else's are their own already, or become so. */
function giveTo(path: string, uid: number, gid: number): void {
  try {
    chownSync(path, uid, gid);
  } catch {
    chmodSync(path, 0o600);
  }
}

function writeAll(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
}
