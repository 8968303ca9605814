import type { FromSchema } from 'json-schema-to-ts';
import type { FileDiff, Module, Plan } from '../src/engine/module.ts';
import { lines, nothing, path, readFiles, type Script, sh } from '../src/engine/sh.ts';
import { fromBytes, toBytes } from '../src/model/content.ts';
import { HostState, resourceKind } from '../src/model/host-state.ts';
import { pathArg } from './shared/attributes.ts';
import { applyFile, blocked, editable, type FileChange, fileAt, filesState, planFile } from './shared/file-change.ts';
import { procName, sameValue, valueIn, withoutKey, withValue, words } from './shared/sysctl-conf.ts';

const args = {
  type: 'object',
  properties: {
    name: {
      description: 'The key: net.ipv4.ip_forward, or net/ipv4/ip_forward.',
      type: 'string',
      pattern: '^[A-Za-z0-9_][A-Za-z0-9_*:./-]*$',
    },
    key: { description: 'Another word for `name`.', type: 'string', pattern: '^[A-Za-z0-9_][A-Za-z0-9_*:./-]*$' },
    value: {
      description: 'Its value.',
      anyOf: [{ type: 'string', pattern: '^[^\\u0000\\n\\r]*[^\\s\\u0000][^\\u0000\\n\\r]*$' }, { type: 'integer' }],
    },
    path: { ...pathArg, description: 'The file that keeps it. Default: /etc/sysctl.conf.' },
    reload: { description: 'Make it true in the kernel, too (`sysctl -p FILE`). Default: true.', type: 'boolean' },
    state: { description: 'absent: the file shall not set it. Default: present.', enum: ['present', 'absent'] },
  },
  oneOf: [{ required: ['name'] }, { required: ['key'] }],
  if: { required: ['state'], properties: { state: { const: 'absent' } } },
  else: { required: ['value'] },
  additionalProperties: false,
} as const;

export interface SysctlArgs extends FromSchema<Omit<typeof args, 'oneOf' | 'if' | 'else'>> {}

interface SysctlChange {
  readonly file?: FileChange | undefined;
  readonly reload: boolean;
  /** The kernel's value before. */
  readonly runtime?: string;
}

/** The value in the kernel, by the name under /proc/sys; null: the kernel has no such key. */
const runtimeResource = resourceKind<string | null>('sysctl');

export const sysctl: Module<SysctlArgs, SysctlChange> = {
  name: 'sysctl',
  summary: 'Keeps a kernel parameter, in sysctl.conf and in the running kernel.',
  args,
  probe: (args) =>
    lines([
      readFiles([fileOf(args)]),
      reloads(args) ? sh`{ ${readRuntime(keyOf(args), sh`false`)}; } && printf '%s' "$value"` : nothing,
    ]),
  parse: (output, args) => {
    const state = filesState(output, [fileOf(args)]);
    if (!reloads(args)) return state;
    return state.with(
      runtimeResource,
      procName(keyOf(args)),
      output.exitCode === 0 ? fromBytes(output.stdout.trim()) : null,
    );
  },
  plan: planSysctl,
  apply: (change, args) =>
    lines([change.file ? applyFile(change.file) : nothing, change.reload ? reload(args) : nothing]),
  undo: ({ runtime }, args) =>
    runtime === undefined ? {} : { after: sh`sysctl -w ${`${keyOf(args)}=${runtime}`} >/dev/null` },
  redo: ({ runtime }, args) => (runtime === undefined ? {} : { after: reload(args) }),
};

function planSysctl(args: SysctlArgs, state: HostState): Plan<SysctlChange> {
  const target = fileOf(args);
  const found = fileAt(state, target);
  const text = editable(target, found);
  if (typeof text !== 'string') return text;
  if (args.state === 'absent') {
    const file = text === withoutKey(text, keyOf(args)) ? null : planText(target, withoutKey(text, keyOf(args)), found);
    if (file?.kind !== 'change') return file ?? { kind: 'ok' };
    return { ...file, change: { file: file.change, reload: false } };
  }
  if (args.value === undefined) return blocked(`sysctl ${keyOf(args)}: \`value\` is missing`);
  const value = toBytes(words(String(args.value)));
  const inFile = valueIn(text, keyOf(args));
  const file =
    inFile !== undefined && sameValue(inFile, value)
      ? null
      : planText(target, withValue(text, keyOf(args), value), found);
  if (file && file.kind !== 'change') return file;

  let after = file?.after ?? HostState.empty;
  const diff: FileDiff[] = [...(file?.diff ?? [])];
  let before: Pick<SysctlChange, 'runtime'> = {};
  const name = procName(keyOf(args));
  const runtime = state.get(runtimeResource, name);
  if (reloads(args)) {
    if (runtime === undefined || runtime === null) {
      return blocked(
        `the kernel has no ${keyOf(args)}: load its module first, or set reload: false to only write the file`,
      );
    }
    if (!sameValue(toBytes(runtime), value)) {
      after = after.with(runtimeResource, name, words(String(args.value)));
      diff.push({ path: `sysctl ${keyOf(args)}`, before: [toBytes(runtime)], after: [value] });
      before = { runtime };
    }
  }
  if (diff.length === 0) return { kind: 'ok' };
  return { kind: 'change', change: { file: file?.change, reload: reloads(args), ...before }, after, diff };
}

function planText(target: string, text: string, found: Parameters<typeof planFile>[1]): Plan<FileChange> {
  return planFile({ path: target, content: [text], sensitive: false }, found);
}

// sysctl -p exits non-zero when the kernel lacks any key of the file, and sets all others: only ours counts.
function reload(args: SysctlArgs): Script {
  return sh`output=$(sysctl -p ${path(fileOf(args))} 2>&1) || :
${readRuntime(keyOf(args), sh`value=`)}
set -f
set -- $value
if [ "$*" != ${words(String(args.value))} ]; then
  printf '%s\\n' "$output" >&2
  echo ${`${keyOf(args)} still has another value in the kernel`}": $*" >&2
  exit 1
fi`;
}

/** Sets $value, or does what `missing` says when the kernel has no such key. */
function readRuntime(name: string, missing: Script): Script {
  const proc = `/proc/sys/${procName(name)}`;
  return sh`value=
if [ -r ${path(proc)} ]; then IFS= read -r value < ${path(proc)} || :; else value=$(sysctl -n ${name} 2>/dev/null) || ${missing}; fi`;
}

function keyOf(args: SysctlArgs): string {
  return args.name ?? args.key ?? '';
}

function fileOf(args: SysctlArgs): string {
  return args.path ?? '/etc/sysctl.conf';
}

function reloads(args: SysctlArgs): boolean {
  return args.state !== 'absent' && (args.reload ?? true);
}
