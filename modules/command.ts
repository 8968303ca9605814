import type { FromSchema } from 'json-schema-to-ts';
import type { Module, Plan, PlanContext } from '../src/engine/module.ts';
import { ForeignCommand, quote, sh } from '../src/engine/sh.ts';
import { toBytes } from '../src/model/content.ts';
import { HostState, resourceKind } from '../src/model/host-state.ts';
import { Secret } from '../src/model/secret.ts';
import { pathArg } from './shared/attributes.ts';
import { existenceState, isThere, probeExistence } from './shared/existence.ts';
import { blocked } from './shared/file-change.ts';

const args = {
  type: 'object',
  properties: {
    cmd: {
      description:
        'The command, as text for the shell: pipes, redirections and variables work, so quote what needs it.',
      type: 'string',
      minLength: 1,
    },
    argv: {
      description: 'The command as a list of words that no shell interprets.',
      type: 'array',
      items: { type: 'string' },
      minItems: 1,
    },
    chdir: { ...pathArg, description: 'Run it in this folder.' },
    creates: { ...pathArg, description: 'Do not run it when this path is there.' },
    removes: { ...pathArg, description: 'Do not run it when this path is not there.' },
    stdin: { description: 'What it reads on its standard input: the place for a secret.', type: 'string' },
  },
  oneOf: [{ required: ['cmd'] }, { required: ['argv'] }],
  additionalProperties: false,
} as const;

/** Values from templates may be secret. */
export type CommandArgs = Omit<FromSchema<Omit<typeof args, 'oneOf'>>, 'cmd' | 'argv' | 'stdin'> & {
  readonly cmd?: string | Secret;
  readonly argv?: readonly (string | Secret)[];
  readonly stdin?: string | Secret;
};

/** By task: what a command did cannot be read back from the host. */
const ranResource = resourceKind<true>('command', 'run');

export const command: Module<CommandArgs, { readonly command: string }> = {
  name: 'command',
  summary: 'Runs a command of yours, once in every run unless `creates` or `removes` says that it is not needed.',
  args,
  secretArgs: ['cmd', 'argv', 'stdin'],
  free: 'cmd',
  probe: (args) => probeExistence(guards(args)),
  parse: (output, args) => existenceState(output, guards(args)),
  plan: planCommand,
  touches: () => 'anything',
  apply: ({ command: text }, { chdir, stdin }) => {
    // The folder is part of the command: in the lab a command sees the host's root as its own.
    const foreign = new ForeignCommand(chdir === undefined ? text : `cd ${quote(chdir)} || exit\n${text}`);
    // printf is a builtin: its arguments are in no process list.
    return stdin === undefined ? sh`${foreign}\n` : sh`printf '%s' ${stdin} | ${foreign}\n`;
  },
};

function planCommand(args: CommandArgs, state: HostState, context: PlanContext): Plan<{ readonly command: string }> {
  const text = commandLine(args);
  if (text === null)
    return blocked('a secret in a command line can be seen by every user of the host: pass it through `stdin`');
  if (`${text}${typeof args.stdin === 'string' ? args.stdin : ''}`.includes('\0'))
    return blocked('a command cannot carry a NUL byte');
  if (args.creates !== undefined && isThere(state, args.creates)) return { kind: 'ok' };
  if (args.removes !== undefined && !isThere(state, args.removes)) return { kind: 'ok' };
  if (state.get(ranResource, context.taskId)) return { kind: 'ok' };
  return {
    kind: 'change',
    change: { command: text },
    after: HostState.empty.with(ranResource, context.taskId, true),
    diff: [{ path: 'command', before: null, after: [toBytes(text)] }],
  };
}

function commandLine({ cmd, argv }: CommandArgs): string | null {
  if (cmd !== undefined) return cmd instanceof Secret ? null : cmd;
  const words = (argv ?? []).filter((word) => typeof word === 'string');
  return words.length === argv?.length ? words.map(quote).join(' ') : null;
}

function guards({ creates, removes }: CommandArgs): string[] {
  return [creates, removes].filter((guard) => guard !== undefined);
}
