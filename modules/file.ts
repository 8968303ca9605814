import type { FromSchema } from 'json-schema-to-ts';
import type { Module } from '../src/engine/module.ts';
import { readFiles } from '../src/engine/sh.ts';
import { type Content, isSensitive } from '../src/model/content.ts';
import type { FileState } from '../src/model/host-state.ts';
import type { Secret } from '../src/model/secret.ts';
import { attributeArgs, attributes, pathArg } from './shared/attributes.ts';
import {
  applyFile,
  blocked,
  contentOf,
  type FileChange,
  fileAt,
  filesState,
  planFile,
  planNoFile,
} from './shared/file-change.ts';
import { saying } from './shared/sourced-file.ts';

const args = {
  type: 'object',
  properties: {
    path: { ...pathArg, description: 'The file. A symbolic link is followed.' },
    content: {
      description: 'All of its content. Absent: the file must be there, and only its mode and owner are set.',
      type: 'string',
    },
    ...attributeArgs,
    state: { description: 'Default: present.', enum: ['present', 'absent'] },
    sourced: {
      description:
        'The content is an ifcfg or keys file of an IPsec connection: it is in order when it says the same to ifup. Comments, quotes, blank lines and variables that ifup does not look at stay, and so does a tighter mode. The variables given here say the same when they are missing.',
      type: 'object',
      additionalProperties: { type: 'string' },
    },
    sensitive: {
      description:
        'Show fingerprints in place of what is in it. Default: when its content holds a secret, or what is on the host is not for everybody to read or has keys of a connection in it.',
      type: 'boolean',
    },
  },
  required: ['path'],
  additionalProperties: false,
} as const;

/** `content` may hold secrets when a compiled task passes it. */
export type FileArgs = Omit<FromSchema<typeof args>, 'content'> & { readonly content?: string | Secret | Content };

export const file: Module<FileArgs, FileChange> = {
  name: 'file',
  summary: 'Writes a file whole, with its mode and owner, or removes it.',
  args,
  secretArgs: ['content'],
  probe: (args) => readFiles([args.path]),
  parse: (output, args) => filesState(output, [args.path]),
  plan: (args, state) => {
    const found = fileAt(state, args.path);
    const sensitive = args.sensitive ?? (holdsKeys(found) ? true : undefined);
    if (args.state === 'absent') return planNoFile(args.path, found, sensitive);
    const asked = attributes(args);
    if ('fault' in asked) return blocked(asked.fault);
    const full = args.content === undefined ? undefined : contentOf(args.content);
    const secret = full !== undefined && isSensitive(full);
    const { content, mode } = args.sourced
      ? asSourced(full, asked.mode, args.sourced, found)
      : { content: full, mode: asked.mode };
    return planFile({ path: args.path, content, ...asked, mode, secret, sensitive }, found);
  },
  apply: (change) => applyFile(change),
};

/** Somebody may have written a connection's key into its ifcfg file, which everybody may read. */
function holdsKeys(found: FileState): boolean {
  return found.kind === 'file' && /\b(IKE_PSK|KEY_(AH|ESP|AESP)(_IN|_OUT)?)=/.test(found.bytes ?? '');
}

/** Of a file that is there: what it must say otherwise, and a mode only where it is looser, or too tight to be read. */
function asSourced(
  content: Content | undefined,
  mode: number | undefined,
  implied: Readonly<Record<string, string>>,
  found: FileState,
): { readonly content: Content | undefined; readonly mode: number | undefined } {
  if (found.kind !== 'file' || found.bytes === undefined || content === undefined) return { content, mode };
  const isTight = mode !== undefined && (found.mode & ~mode) === 0 && (found.mode & 0o400) !== 0;
  return { content: saying(content, found.bytes, implied), mode: isTight ? found.mode : mode };
}
