import type { FromSchema } from 'json-schema-to-ts';
import type { FileDiff, Module, Plan, PlanContext } from '../src/engine/module.ts';
import { readFiles } from '../src/engine/sh.ts';
import { toBytes } from '../src/model/content.ts';
import { fileResource, type HostState } from '../src/model/host-state.ts';
import { reveal, type Secret } from '../src/model/secret.ts';
import { pathArg } from './shared/attributes.ts';
import { applyFile, blocked, editable, type FileChange, fileAt, filesState, planFile } from './shared/file-change.ts';
import {
  dropsLine,
  type PskEntry,
  type PskLine,
  pskContent,
  pskLines,
  pskText,
  withEntries,
} from './shared/psk-lines.ts';
import { raisedResource, restartedResource } from './shared/raised.ts';

const args = {
  type: 'object',
  properties: {
    path: { ...pathArg, description: 'Default: /etc/racoon/psk.txt.' },
    entries: {
      description: 'The keys that it must have, one a peer. Lines of other peers and comments stay.',
      type: 'array',
      items: {
        type: 'object',
        properties: {
          peer: { description: "The peer's address.", type: 'string', pattern: '^[^#\\s]\\S*$' },
          key: { description: 'The pre-shared key.', type: 'string', minLength: 1 },
        },
        required: ['peer', 'key'],
        additionalProperties: false,
      },
    },
    absent: { description: 'Peers whose lines go.', type: 'array', items: { type: 'string' } },
    restore: {
      description: 'Also put back what this run has found in the file and what has vanished since.',
      type: 'boolean',
    },
    raised: {
      description: 'Peers whose connections a restart of the network service brings up.',
      type: 'array',
      items: { type: 'string' },
    },
  },
  additionalProperties: false,
} as const;

/** A key is secret when it comes from the inventory. */
export type PskArgs = Omit<FromSchema<typeof args>, 'entries'> & {
  readonly entries?: readonly { readonly peer: string; readonly key: string | Secret }[];
};

export const psk: Module<PskArgs, FileChange> = {
  name: 'psk',
  summary: "Keeps pre-shared keys in racoon's psk.txt, whatever order ifup leaves its lines in.",
  args,
  secretArgs: ['entries'],
  probe: (args) => readFiles([pathOf(args)]),
  parse: (output, args) => filesState(output, [pathOf(args)]),
  plan: planPsk,
  apply: (change) => applyFile(change),
};

function planPsk(args: PskArgs, state: HostState, context: PlanContext): Plan<FileChange> {
  const target = pathOf(args);
  const found = fileAt(state, target);
  const text = editable(target, found);
  if (typeof text !== 'string') return text;
  const entries = (args.entries ?? []).map(({ peer, key }) => ({
    peer,
    key: toBytes(typeof key === 'string' ? key : reveal(key)),
  }));
  const bad = entries.find(({ key }) => key === '' || /^\s|[\n\0]/.test(key));
  if (bad)
    return blocked(
      `the key of ${bad.peer} cannot stand in psk.txt: it is empty, begins with a blank or holds a line end`,
    );

  const lines = pskLines(text);
  const absent = new Set(args.absent ?? []);
  const wanted = withEntries(
    lines,
    [...entries, ...(args.restore ? vanished(lines, entries, absent, target, context) : [])],
    absent,
  );
  const changed = pskText(lines) === pskText(wanted) ? null : wanted;
  if (!changed) {
    const hit = endangered(args, wanted, state, context);
    if (hit) return hit;
  }
  // racoon refuses a file that group or others may read.
  const mode = found.kind === 'file' && (found.mode & 0o077) === 0 ? undefined : 0o600;
  if (!changed && (found.kind !== 'file' || mode === undefined)) return { kind: 'ok' };
  const diff = (before: string | null): FileDiff => ({
    path: target,
    before: before === null ? null : pskContent(lines),
    after: pskContent(wanted),
  });
  return planFile(
    { path: target, content: changed ? pskContent(wanted) : undefined, mode, newMode: 0o600, diff },
    found,
  );
}

/** The peers that this run has seen in the file, and that are in it no more. */
function vanished(
  lines: readonly PskLine[],
  entries: readonly PskEntry[],
  absent: ReadonlySet<string>,
  target: string,
  context: PlanContext,
): PskEntry[] {
  const first = context.initial.get(fileResource, target);
  const there = new Set([...lines, ...entries].map(({ peer }) => peer));
  return pskLines(first?.kind === 'file' ? (first.bytes ?? '') : '').flatMap(({ peer, key }) => {
    if (peer === null || there.has(peer) || absent.has(peer)) return [];
    there.add(peer);
    return [{ peer, key }];
  });
}

/** The ifup of RHEL 4 and 5 drops lines by prefix: when one is planned before this, nobody can tell what will be left. */
function endangered(
  args: PskArgs,
  lines: readonly PskLine[],
  state: HostState,
  context: PlanContext,
): Plan<never> | null {
  const { redhatMajor } = context.facts;
  if (redhatMajor !== undefined && redhatMajor > 5) return null;
  const restarted = state.get(restartedResource, 'network');
  const raised = new Set([...state.all(raisedResource).keys(), ...(restarted ? (args.raised ?? []) : [])]);
  for (const dst of raised) {
    const other = lines.find(({ peer }) => peer !== null && dropsLine(dst, peer));
    if (!other) continue;
    const until = state.get(raisedResource, dst) ? `ifup for ${dst}` : 'service network restart';
    return {
      kind: 'unknown',
      until,
      why: `it drops the line of ${other.peer} from psk.txt, because that begins with ${dst}`,
    };
  }
  return null;
}

function pathOf(args: PskArgs): string {
  return args.path ?? '/etc/racoon/psk.txt';
}
