import { type Content, isSensitive, joined, toBytes } from '../model/content.ts';
import { reveal, Secret } from '../model/secret.ts';

/** A path on the target. Rendered under the target's root, which is empty on a real host and a folder in the lab. */
export class TargetPath {
  readonly path: string;
  constructor(path: string) {
    // It would lead out of a moved root. Modules refuse such arguments before.
    if (/(^|\/)\.\.(\/|$)/.test(path)) throw new Error('a path on the target must not go up with ..');
    this.path = path;
  }
}

/** A user's own shell command (the `command` module); the rehearsal lab wraps it, so that it cannot leave the lab. */
export class ForeignCommand {
  readonly command: string;
  constructor(command: string) {
    this.command = command;
  }
}

export type Word = string | number | Secret | TargetPath | ForeignCommand | Script | readonly Word[];

type Part = { raw: string } | { word: Exclude<Word, number | Script | readonly Word[]> } | { write: FileWrite };

/** A file to be written whole. Its content is bytes; every other word is text, and is sent as UTF-8. */
export interface FileWrite {
  readonly path: string;
  readonly content: Content;
  readonly mode: number;
  /** `user`, `user:group`, or undefined to leave it to the writing user. */
  readonly owner?: string | undefined;
}

/**
 * A piece of POSIX shell. Made only by the {@link sh} tag, which quotes every value, so that no value reaches a shell
 * unquoted. Its text comes out only through {@link render}.
 */
export class Script {
  readonly parts: readonly Part[];
  /** Files to read for a probe, beside what the text prints; the engine reads those of all tasks of a host at once. */
  readonly files: readonly string[];

  constructor(parts: readonly Part[], files: readonly string[] = []) {
    this.parts = parts;
    this.files = files;
  }

  get isEmpty(): boolean {
    return this.parts.length === 0;
  }

  get hasSecrets(): boolean {
    return this.parts.some(
      (part) => ('word' in part && part.word instanceof Secret) || ('write' in part && isSensitive(part.write.content)),
    );
  }

  /** The files that it writes, in order. */
  get writes(): readonly FileWrite[] {
    return this.parts.flatMap((part) => ('write' in part ? [part.write] : []));
  }

  /** Like a secret: the text may hold one. */
  toJSON(): string {
    return '[script]';
  }
}

/**
 * A script from a template: the literal text is shell, every value becomes exactly one quoted word (a list: its words,
 * separated by blanks), a Script is spliced in as it is.
 */
export function sh(literals: TemplateStringsArray, ...values: Word[]): Script {
  const parts: Part[] = [];
  const files: string[] = [];
  literals.raw.forEach((_, index) => {
    const literal = literals[index] ?? '';
    if (literal !== '') parts.push({ raw: literal });
    if (index < values.length) append(parts, files, values[index] as Word);
  });
  return new Script(parts, files);
}

/** Scripts one after another, each on lines of its own. */
export function lines(scripts: readonly Script[]): Script {
  const parts: Part[] = [];
  for (const script of scripts) if (!script.isEmpty) parts.push(...script.parts, { raw: '\n' });
  return new Script(
    parts,
    scripts.flatMap((script) => script.files),
  );
}

export const nothing = new Script([]);

/** A path on the target, for use in {@link sh}. */
export function path(target: string): TargetPath {
  return new TargetPath(target);
}

/** A probe that reads these paths: kind, mode, owner and content of each. See `ProbeOutput.files`. */
export function readFiles(paths: readonly string[]): Script {
  return new Script([], paths);
}

/**
 * Writes a file whole: beside its target under umask 077, then owner and mode, then renamed into place; 0600 from its
 * first byte until the mode is set. A symbolic link is followed, so that it stays one.
 * In a transaction the first half happens before anything is changed on any host.
 */
export function writeFile(file: FileWrite): Script {
  return new Script([{ write: { ...file, path: path(file.path).path } }, { raw: '\n' }]);
}

export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** `value` as exactly one word of a POSIX shell. No NUL: no shell can carry one. */
export function quote(value: string): string {
  if (value.includes('\0')) throw new Error('a NUL byte cannot be carried by a shell word');
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(value) && !value.startsWith('=')) return value;
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** How scripts are rendered for one target. */
export interface Rendering {
  /** Put before every TargetPath: '' on a real host. */
  readonly root: string;
  /** Run in place of `sh -c` with a user's own command; the lab sets it. */
  readonly commandShell: readonly string[];
}

export const onHost: Rendering = { root: '', commandShell: ['sh', '-c'] };

/**
 * The bytes of a script for one target, one UTF-16 unit a byte ("latin1"). They may hold secrets: they may go to a
 * shell's stdin, nowhere else.
 */
export function render(script: Script, rendering: Rendering, write: RenderWrite = putWhole): string {
  return script.parts
    .map((part) => {
      if ('raw' in part) return part.raw;
      return 'write' in part ? write(part.write, rendering) : renderWord(part.word, rendering);
    })
    .join('');
}

/** The shell text that writes a file. */
export type RenderWrite = (write: FileWrite, rendering: Rendering) => string;

/** `ip_put` of the prelude: all at once. */
function putWhole({ path, mode, owner, content }: FileWrite, rendering: Rendering): string {
  const bytes = joined(content);
  const words = [rendering.root + path, octal(mode), owner ?? ''].map((word) => quote(toBytes(word)));
  return `ip_put ${words.join(' ')} ${quote(typeof bytes === 'string' ? bytes : reveal(bytes))}`;
}

function renderWord(word: string | Secret | TargetPath | ForeignCommand, rendering: Rendering): string {
  if (typeof word === 'string') return quote(toBytes(word));
  if (word instanceof Secret) return quote(toBytes(reveal(word)));
  if (word instanceof TargetPath) return quote(toBytes(rendering.root + word.path));
  return [...rendering.commandShell, word.command].map((w) => quote(toBytes(w))).join(' ');
}

function append(parts: Part[], files: string[], value: Word): void {
  if (typeof value === 'number') parts.push({ word: String(value) });
  else if (value instanceof Script) {
    parts.push(...value.parts);
    files.push(...value.files);
  } else if (isList(value)) {
    value.forEach((item, index) => {
      if (index > 0) parts.push({ raw: ' ' });
      append(parts, files, item);
    });
  } else parts.push({ word: value });
}

function isList(value: Word): value is readonly Word[] {
  return Array.isArray(value);
}
