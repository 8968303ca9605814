import type { FromSchema } from 'json-schema-to-ts';
import type { Module, Plan } from '../src/engine/module.ts';
import { lines, nothing, path, readFiles, type Script, sh } from '../src/engine/sh.ts';
import { toBytes } from '../src/model/content.ts';
import { fileResource, HostState, resourceKind } from '../src/model/host-state.ts';
import {
  type Attributes,
  attributeArgs,
  attributes,
  ownershipAfter,
  ownerWord,
  pathArg,
  unknownOwner,
} from './shared/attributes.ts';
import { attributeDiffs, blocked, changeAttributes, fileAt, filesState } from './shared/file-change.ts';

const args = {
  type: 'object',
  properties: {
    path: { ...pathArg, description: 'The folder. Missing parents are made, with mode 0755.' },
    ...attributeArgs,
    state: { description: 'Default: present. absent removes an empty folder only.', enum: ['present', 'absent'] },
  },
  required: ['path'],
  additionalProperties: false,
} as const;

export type DirectoryArgs = FromSchema<typeof args>;

interface DirectoryChange {
  readonly kind: 'create' | 'attributes' | 'remove';
  readonly mode?: number | undefined;
  readonly owner?: string | undefined;
}

/** Names in a folder that is to be removed, as bytes. */
const entriesResource = resourceKind<readonly string[]>('directory-entries');

export const directory: Module<DirectoryArgs, DirectoryChange> = {
  name: 'directory',
  summary: 'Makes a folder with its mode and owner, or removes an empty one.',
  args,
  free: 'path',
  probe: (args) =>
    lines([readFiles([args.path]), args.state === 'absent' ? sh`ls -A ${path(args.path)} 2>/dev/null || :` : nothing]),
  parse: (output, args) => {
    const state = filesState(output, [args.path]);
    return args.state === 'absent'
      ? state.with(entriesResource, args.path, output.stdout.split('\n').filter(Boolean))
      : state;
  },
  plan: (args, state) => (args.state === 'absent' ? planAbsent(args.path, state) : planPresent(args, state)),
  apply: (change, args) => applyDirectory(change, args.path),
  touches: ({ kind }, args) => (kind === 'create' ? parentsOf(args.path) : []),
};

function planPresent(args: DirectoryArgs, state: HostState): Plan<DirectoryChange> {
  const wanted = attributes(args);
  if ('fault' in wanted) return blocked(wanted.fault);
  const found = fileAt(state, args.path);
  if (found.kind === 'file' || found.kind === 'other') return blocked(`${args.path} is there and is no directory`);
  const owner = ownerWord(wanted.owner, wanted.group);
  if (found.kind === 'absent') return planCreate(args.path, wanted, owner);
  const diff = attributeDiffs(args.path, found, wanted);
  if (diff.length === 0) return { kind: 'ok' };
  const mode = owner === undefined ? wanted.mode : (wanted.mode ?? found.mode);
  return {
    kind: 'change',
    change: { kind: 'attributes', mode, owner },
    after: HostState.empty.with(fileResource, args.path, {
      ...found,
      ...ownershipAfter(found, wanted),
      mode: mode ?? found.mode,
    }),
    diff,
  };
}

function planCreate(target: string, wanted: Attributes, owner: string | undefined): Plan<DirectoryChange> {
  const mode = wanted.mode ?? 0o755;
  return {
    kind: 'change',
    change: { kind: 'create', mode, owner },
    after: HostState.empty.with(fileResource, target, {
      kind: 'directory',
      mode,
      ...ownershipAfter(unknownOwner, wanted),
    }),
    diff: [{ path: target, before: null, after: ['directory'] }],
  };
}

function planAbsent(target: string, state: HostState): Plan<DirectoryChange> {
  const found = fileAt(state, target);
  if (found.kind === 'absent') return { kind: 'ok' };
  if (found.kind !== 'directory') return blocked(`${target} is there and is no directory`);
  const left = entriesLeft(target, state);
  if (left.length > 0)
    return blocked(`${target} is not empty (${left.length} entries): only an empty folder is removed`);
  return {
    kind: 'change',
    change: { kind: 'remove' },
    after: HostState.empty.with(fileResource, target, { kind: 'absent' }),
    diff: [{ path: target, before: ['directory'], after: null }],
  };
}

/** What will be in it by then: earlier tasks may have removed and made files. */
function entriesLeft(target: string, state: HostState): string[] {
  const entries = new Set(state.get(entriesResource, target) ?? []);
  for (const [name, file] of state.all(fileResource)) {
    if (!name.startsWith(`${target}/`)) continue;
    const entry = toBytes(name.slice(target.length + 1).split('/', 1)[0] ?? '');
    if (file.kind !== 'absent') entries.add(entry);
    else if (toBytes(name) === `${toBytes(target)}/${entry}`) entries.delete(entry);
  }
  return [...entries];
}

function applyDirectory(change: DirectoryChange, target: string): Script {
  if (change.kind === 'remove') return sh`rmdir ${path(target)}\n`;
  const attributes = changeAttributes(target, change.mode, change.owner);
  if (change.kind === 'attributes') return attributes;
  const parent = parentOf(target);
  return lines([sh`(umask 022; mkdir -p ${path(parent)})`, sh`mkdir ${path(target)}`, attributes]);
}

/** The innermost first, as they are to be removed again. */
function parentsOf(target: string): readonly string[] {
  const parent = parentOf(target);
  return parent === '/' ? [] : [parent, ...parentsOf(parent)];
}

function parentOf(target: string): string {
  return target.replace(/\/+[^/]*\/*$/, '') || '/';
}
