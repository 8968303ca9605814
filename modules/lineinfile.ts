import type { FromSchema } from 'json-schema-to-ts';
import type { Module, Plan } from '../src/engine/module.ts';
import { readFiles } from '../src/engine/sh.ts';
import { toBytes } from '../src/model/content.ts';
import type { HostState } from '../src/model/host-state.ts';
import { reveal, Secret } from '../src/model/secret.ts';
import { attributeArgs, attributes, pathArg } from './shared/attributes.ts';
import { linesContent } from './shared/concealed.ts';
import { applyFile, blocked, editable, type FileChange, fileAt, filesState, planFile } from './shared/file-change.ts';
import { type LineEdit, withLine, withoutLine } from './shared/line-edit.ts';
import { installedResource } from './shared/raised.ts';

const args = {
  type: 'object',
  properties: {
    path: { ...pathArg, description: 'The file.' },
    line: { description: 'The line, without its end.', type: 'string', pattern: '^[^\\u0000\\n\\r]*$' },
    regexp: {
      description:
        'A JavaScript regular expression. present: the last line it matches becomes `line`; absent: every line it matches goes.',
      type: 'string',
    },
    state: { description: 'Default: present.', enum: ['present', 'absent'] },
    insertafter: {
      description: 'EOF (the default), or a regular expression: a new line goes after the last line it matches.',
      type: 'string',
    },
    insertbefore: {
      description: 'BOF, or a regular expression: a new line goes before the last line it matches.',
      type: 'string',
    },
    create: { description: 'Make the file when it is not there. Default: false.', type: 'boolean' },
    ...attributeArgs,
  },
  required: ['path'],
  if: { required: ['state'], properties: { state: { const: 'absent' } } },
  // biome-ignore lint/suspicious/noThenProperty: JSON Schema's word
  then: { anyOf: [{ required: ['line'] }, { required: ['regexp'] }] },
  else: { required: ['line'] },
  additionalProperties: false,
} as const;

/** `line` is secret when a template put a secret in it. */
export type LineInFileArgs = Omit<FromSchema<Omit<typeof args, 'if' | 'then' | 'else'>>, 'line'> & {
  readonly line?: string | Secret;
};

export const lineinfile: Module<LineInFileArgs, FileChange> = {
  name: 'lineinfile',
  summary: 'Keeps one line in a file, or keeps lines out of it; every other byte stays.',
  args,
  secretArgs: ['line'],
  probe: (args) => readFiles([args.path]),
  parse: (output, args) => filesState(output, [args.path]),
  plan: planLine,
  apply: (change) => applyFile(change),
};

function planLine(args: LineInFileArgs, state: HostState): Plan<FileChange> {
  const wanted = attributes(args);
  if ('fault' in wanted) return blocked(wanted.fault);
  const edit = lineEdit(args);
  if ('fault' in edit) return blocked(edit.fault);
  const found = fileAt(state, args.path);
  const text = editable(args.path, found);
  if (typeof text !== 'string') return text;
  if (found.kind === 'absent') {
    if (args.state === 'absent') return { kind: 'ok' };
    const [installing] = state.all(installedResource).keys();
    if (!args.create && installing !== undefined) {
      return {
        kind: 'unknown',
        until: `${installing} is installed`,
        why: `${args.path} is not there, and ${installing} may bring it`,
      };
    }
    if (!args.create) return blocked(`${args.path} is not there (create: true makes it)`);
  }
  const secret = args.state !== 'absent' && args.line instanceof Secret;
  const edited = args.state === 'absent' ? withoutLine(text, edit) : withLine(text, edit);
  if (found.kind === 'file' && edited === text) return planFile({ path: args.path, ...wanted, secret }, found);
  // A file that is not for everybody to read may hold other secrets than ours.
  const guarded = found.kind === 'file' && (found.mode & 0o004) === 0;
  const isSecret = (line: string) => (line === edit.line ? args.line instanceof Secret : guarded);
  return planFile({ path: args.path, content: linesContent(edited, isSecret), ...wanted, secret }, found);
}

/** The edit in bytes, as the file has them. */
function lineEdit(args: LineInFileArgs): LineEdit | { readonly fault: string } {
  const line =
    args.line === undefined ? undefined : toBytes(args.line instanceof Secret ? reveal(args.line) : args.line);
  if (line?.match(/[\0\n\r]/)) return { fault: '`line` must be one line' };
  if (args.state !== 'absent' && line === undefined)
    return { fault: '`line` is missing: the line to keep in the file' };
  if (line === undefined && args.regexp === undefined)
    return { fault: '`line` or `regexp` must say which lines are to go' };
  const compiled: Record<string, RegExp> = {};
  for (const name of ['regexp', 'insertafter', 'insertbefore'] as const) {
    const source = args[name];
    if (
      source === undefined ||
      (name === 'insertafter' && source === 'EOF') ||
      (name === 'insertbefore' && source === 'BOF')
    )
      continue;
    try {
      compiled[name] = new RegExp(toBytes(source));
    } catch (fault) {
      return { fault: `${name}: ${fault instanceof Error ? fault.message : 'no regular expression'}` };
    }
  }
  const { regexp, insertafter, insertbefore } = compiled;
  return { line, regexp, after: insertafter, before: args.insertbefore === 'BOF' ? 'start' : insertbefore };
}
