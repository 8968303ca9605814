import type { FromSchema } from 'json-schema-to-ts';
import type { Module, Plan } from '../src/engine/module.ts';
import { readFiles, sh } from '../src/engine/sh.ts';
import type { Content } from '../src/model/content.ts';
import type { HostState } from '../src/model/host-state.ts';
import type { Secret } from '../src/model/secret.ts';
import { pathArg } from './shared/attributes.ts';
import {
  applyFile,
  blocked,
  contentOf,
  editable,
  type FileChange,
  fileAt,
  filesState,
  plain,
  planFile,
} from './shared/file-change.ts';
import { includesOfIfup, meaning, withoutInclude } from './shared/racoon-text.ts';

const args = {
  type: 'object',
  properties: {
    path: { ...pathArg, description: 'Default: /etc/racoon/racoon.conf.' },
    content: {
      description:
        'The configuration without the `include "/etc/racoon/PEER.conf";` lines, which ifup writes. Comments, blanks and the order of those ' +
        'lines make no difference.',
      type: 'string',
    },
    include: { ...pathArg, description: 'With state: absent, the file whose include goes; every other byte stays.' },
    state: { description: 'Default: present.', enum: ['present', 'absent'] },
  },
  anyOf: [
    { required: ['content'], properties: { state: { const: 'present' } } },
    { required: ['include', 'state'], properties: { state: { const: 'absent' } } },
  ],
  additionalProperties: false,
} as const;

export type RacoonConfArgs = Omit<FromSchema<Omit<typeof args, 'anyOf'>>, 'content'> & {
  readonly content?: string | Secret | Content;
};

export const racoonConf: Module<RacoonConfArgs, FileChange> = {
  name: 'racoon_conf',
  summary: 'Keeps what racoon.conf says, and leaves to ifup the lines that ifup writes there.',
  args,
  probe: (args) => readFiles([pathOf(args)]),
  parse: (output, args) => filesState(output, [pathOf(args)]),
  plan: planRacoonConf,
  // As ifup does it: a racoon that runs goes on with what it read at its start.
  apply: (change) => sh`${applyFile(change)}
${readAgain}`,
  undo: () => ({ after: readAgain }),
  redo: () => ({ after: readAgain }),
};

const readAgain = sh`killall -HUP racoon 2>/dev/null || :`;

function planRacoonConf(args: RacoonConfArgs, state: HostState): Plan<FileChange> {
  const target = pathOf(args);
  const found = fileAt(state, target);
  const text = editable(target, found);
  if (typeof text !== 'string') return text;
  if (args.state === 'absent') {
    if (args.include === undefined) return blocked('`include` is missing: the file whose include is to go');
    const rest = withoutInclude(text, args.include);
    return rest === text ? { kind: 'ok' } : planFile({ path: target, content: [rest], sensitive: false }, found);
  }
  if (args.content === undefined) return blocked('`content` is missing: what racoon.conf is to say');
  const wanted = plain(contentOf(args.content));
  if (found.kind === 'file' && meaning(wanted) === meaning(text)) return { kind: 'ok' };
  const includes = includesOfIfup(text).filter((file) => !includesOfIfup(wanted).includes(file));
  const content = [finished(wanted), ...includes.map((file) => `include "${file}";\n`)].join('');
  // ifup leaves the file with mode 0600; 0644, as the package has it, is as good to racoon. Neither is a change.
  return planFile({ path: target, content: [content], newMode: 0o600, sensitive: false }, found);
}

function finished(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function pathOf(args: RacoonConfArgs): string {
  return args.path ?? '/etc/racoon/racoon.conf';
}
