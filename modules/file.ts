import type { FromSchema } from 'json-schema-to-ts';
import type { Module } from '../src/engine/module.ts';
import { readFiles } from '../src/engine/sh.ts';
import { type Content, isSensitive } from '../src/model/content.ts';
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
    sensitive: {
      description:
        'Show fingerprints in place of what is in it. Default: when its content holds a secret, or the file on the host is not for everybody to read.',
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
    if (args.state === 'absent') return planNoFile(args.path, found, args.sensitive);
    const wanted = attributes(args);
    if ('fault' in wanted) return blocked(wanted.fault);
    const content = args.content === undefined ? undefined : contentOf(args.content);
    const secret = content !== undefined && isSensitive(content);
    return planFile({ path: args.path, content, ...wanted, secret, sensitive: args.sensitive }, found);
  },
  apply: (change) => applyFile(change),
};
