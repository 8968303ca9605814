import type { FileDiff, Plan, ProbeOutput } from '../../src/engine/module.ts';
import { lines, nothing, octal, path, type Script, sh, writeFile } from '../../src/engine/sh.ts';
import { type Content, isSensitive, joined, toBytes } from '../../src/model/content.ts';
import { type FileState, fileResource, HostState } from '../../src/model/host-state.ts';
import { reveal, Secret } from '../../src/model/secret.ts';
import { type Attributes, ownedBy, ownershipAfter, ownerWord, unknownOwner } from './attributes.ts';
import { concealedDiff, openDiff } from './concealed.ts';

/** What a file should be. */
export interface WantedFile extends Attributes {
  readonly path: string;
  /** Absent: the content is left as it is, and the file must be there. */
  readonly content?: Content | undefined;
  /** Mode of a file that is not there yet, where `mode` does not say. */
  readonly newMode?: number;
  /** What it holds is a secret: where `mode` does not say otherwise, nobody but its owner gets at it. */
  readonly secret?: boolean;
  /** Conceal its content. Default: when it holds a secret, or the file on the host is not for everybody to read. */
  readonly sensitive?: boolean | undefined;
  /** How to show the content, where that is not the usual way. */
  readonly diff?: (before: string | null, after: Content) => FileDiff;
}

/** How it becomes that. */
export type FileChange =
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly content: Content;
      readonly mode: number;
      readonly owner?: string | undefined;
    }
  | {
      readonly kind: 'attributes';
      readonly path: string;
      readonly mode?: number | undefined;
      readonly owner?: string | undefined;
    }
  | { readonly kind: 'remove'; readonly path: string };

/** Plans the content, mode and owner of one file, by value. */
export function planFile(given: WantedFile, found: FileState): Plan<FileChange> {
  const wanted = given.secret && given.mode === undefined ? { ...given, mode: ownerOnly(found) } : given;
  const fault = notAFile(wanted.path, found);
  if (fault) return fault;
  if (found.kind !== 'file') {
    if (!wanted.content) return blocked(`${wanted.path} is not there, and the task gives no content for it`);
    return planNew(wanted, wanted.content);
  }
  const bytes = wanted.content && plain(wanted.content);
  if (bytes?.includes('\0')) return blocked(NUL(wanted.path));
  if (bytes !== undefined && found.bytes === undefined) return unreadable(wanted.path);
  return planFound(wanted, found, bytes !== undefined && bytes !== found.bytes);
}

function ownerOnly(found: FileState): number {
  return found.kind === 'file' ? found.mode & ~0o077 : 0o600;
}

/** Plans that there is no such file. */
export function planNoFile(target: string, found: FileState, sensitive?: boolean | undefined): Plan<FileChange> {
  const fault = notAFile(target, found);
  if (fault) return fault;
  if (found.kind !== 'file') return { kind: 'ok' };
  if (found.bytes === undefined) return unreadable(target);
  const conceal = sensitive ?? !forEverybody(found);
  return {
    kind: 'change',
    change: { kind: 'remove', path: target },
    after: HostState.empty.with(fileResource, target, { kind: 'absent' }),
    diff: [conceal ? concealedDiff(target, found.bytes, null) : openDiff(target, found.bytes, null)],
  };
}

/** The text of a file that a module edits, '' where there is none; or the plan that says why it cannot be edited. */
export function editable(target: string, found: FileState): string | Extract<Plan<never>, { kind: 'blocked' }> {
  const fault = notAFile(target, found);
  if (fault) return fault;
  if (found.kind !== 'file') return '';
  if (found.bytes === undefined) return unreadable(target);
  return found.bytes.includes('\0') ? blocked(NUL(target)) : found.bytes;
}

export function applyFile(change: FileChange): Script {
  if (change.kind === 'write') return writeFile(change);
  if (change.kind === 'remove') return sh`rm -f ${path(change.path)}\n`;
  return changeAttributes(change.path, change.mode, change.owner);
}

/** The owner first: chown(2) clears the set-user-ID bit. Five digits, or GNU chmod keeps a folder's set-group-ID bit. */
export function changeAttributes(target: string, mode: number | undefined, owner: string | undefined): Script {
  return lines([
    owner === undefined ? nothing : sh`chown ${owner} ${path(target)}`,
    mode === undefined ? nothing : sh`chmod ${`0${octal(mode)}`} ${path(target)}`,
  ]);
}

/** The files of a probe's output as state. */
export function filesState(output: ProbeOutput, paths: readonly string[]): HostState {
  let state = HostState.empty;
  for (const name of paths) {
    const file = output.files.get(name);
    if (!file) throw new Error(`the probe's output lacks ${name}`);
    state = state.with(fileResource, name, file);
  }
  return state;
}

/** A path that the task's own probe has read. */
export function fileAt(state: HostState, name: string): FileState {
  const file = state.get(fileResource, name);
  if (!file) throw new Error(`${name} was not probed`);
  return file;
}

/** Content as a user writes it (text), or as a compiled task passes it (bytes). */
export function contentOf(value: string | Secret | Content): Content {
  if (typeof value === 'string') return [toBytes(value)];
  return value instanceof Secret ? [value.map(toBytes)] : value;
}

export function plain(content: Content): string {
  const text = joined(content);
  return typeof text === 'string' ? text : reveal(text);
}

export function blocked(why: string): { readonly kind: 'blocked'; readonly why: string } {
  return { kind: 'blocked', why };
}

export function unreadable(target: string): { readonly kind: 'blocked'; readonly why: string } {
  return blocked(`${target} may not be read by this user: set become: true (or -b) to work as root`);
}

/** `PATH mode`, `PATH owner`, `PATH group`: before and after. Never null before: that would say that something is new. */
export function attributeDiffs(
  target: string,
  found: Extract<FileState, { kind: 'file' | 'directory' }>,
  wanted: Attributes,
): FileDiff[] {
  const diffs: FileDiff[] = [];
  const add = (what: string, before: string, after: string) =>
    diffs.push({ path: `${target} ${what}`, before: [before || 'not known yet'], after: [after] });
  const { mode, owner, group } = wanted;
  if (mode !== undefined && mode !== found.mode) add('mode', octal(found.mode), octal(mode));
  if (owner !== undefined && !ownedBy(found.owner, found.uid, owner)) add('owner', found.owner, owner);
  if (group !== undefined && !ownedBy(found.group, found.gid, group)) add('group', found.group, group);
  return diffs;
}

const NUL = (target: string) => `${target} holds a NUL byte: only text files can be written`;

function planNew(wanted: WantedFile, content: Content): Plan<FileChange> {
  const bytes = plain(content);
  if (bytes.includes('\0')) return blocked(NUL(wanted.path));
  const mode = wanted.mode ?? wanted.newMode ?? 0o644;
  return {
    kind: 'change',
    change: { kind: 'write', path: wanted.path, content, mode, owner: ownerWord(wanted.owner, wanted.group) },
    after: HostState.empty.with(fileResource, wanted.path, {
      kind: 'file',
      mode,
      bytes,
      ...ownershipAfter(unknownOwner, wanted),
    }),
    diff: [contentDiff(wanted, null, content, wanted.sensitive ?? isSensitive(content))],
  };
}

function planFound(
  wanted: WantedFile,
  found: Extract<FileState, { kind: 'file' }>,
  rewrite: boolean,
): Plan<FileChange> {
  const diff = attributeDiffs(wanted.path, found, wanted);
  const mode = wanted.mode ?? found.mode;
  const owners = ownershipAfter(found, wanted);
  if (!rewrite || !wanted.content) {
    if (diff.length === 0) return { kind: 'ok' };
    const owner = ownerWord(wanted.owner, wanted.group);
    return {
      kind: 'change',
      change: { kind: 'attributes', path: wanted.path, mode: owner === undefined ? wanted.mode : mode, owner },
      after: HostState.empty.with(fileResource, wanted.path, { ...found, ...owners, mode }),
      diff,
    };
  }
  // A renamed file belongs to who wrote it: say whose it was.
  const owner = ownerWord(wanted.owner ?? id(found.uid), wanted.group ?? id(found.gid));
  const conceal = wanted.sensitive ?? (isSensitive(wanted.content) || !forEverybody(found));
  return {
    kind: 'change',
    change: { kind: 'write', path: wanted.path, content: wanted.content, mode, owner },
    after: HostState.empty.with(fileResource, wanted.path, { ...found, ...owners, mode, bytes: plain(wanted.content) }),
    diff: [contentDiff(wanted, found.bytes ?? '', wanted.content, conceal), ...diff],
  };
}

function contentDiff(wanted: WantedFile, before: string | null, after: Content, conceal: boolean): FileDiff {
  if (wanted.diff) return wanted.diff(before, after);
  return conceal || isSensitive(after)
    ? concealedDiff(wanted.path, before, after)
    : openDiff(wanted.path, before, after);
}

function notAFile(target: string, found: FileState): { readonly kind: 'blocked'; readonly why: string } | null {
  if (found.kind === 'directory') return blocked(`${target} is a directory, not a file`);
  return found.kind === 'other' ? blocked(`${target} is a ${found.type}, not a file`) : null;
}

function forEverybody(found: Extract<FileState, { kind: 'file' }>): boolean {
  return (found.mode & 0o004) !== 0;
}

function id(number: number): string | undefined {
  return number < 0 ? undefined : String(number);
}
