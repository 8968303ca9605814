import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { naturalOrder } from '../../model/natural-order.ts';
import type { Merged } from '../shard-document.ts';
import { joinDocuments } from './join-documents.ts';
import type { Joinable, ShardReport } from './shard-report.ts';
import { worstExit } from './worst-exit.ts';

/** The document of a whole run, made of those of its shards. */
export type MergedDocument = Joinable & { readonly merged: Merged };

/**
 * Joins the reports of the shards of one run. Those of another run, or two of one shard, are refused: nobody here can tell
 * which of them counts. A shard of which there is no report is named, and counts as unreachable.
 */
export function mergeReports(
  reports: readonly ShardReport[],
): { readonly document: MergedDocument } | { readonly diagnostics: readonly Diagnostic[] } {
  const sorted = [...reports].sort((a, b) => a.shard.index - b.shard.index);
  const [first] = sorted;
  if (first === undefined) return { diagnostics: [error('report-form', 'there is no report to merge')] };
  const diagnostics = [...differences(sorted), ...twice(sorted)];
  if (diagnostics.length > 0) return { diagnostics };

  const { count, selection } = first.shard;
  const there = new Set(sorted.map(({ shard }) => shard.index));
  const missing = Array.from({ length: count }, (_, at) => at + 1).filter((index) => !there.has(index));
  const merged: Merged = {
    count,
    shards: sorted.map(({ file, document, shard: { index, commit } }) => ({
      index,
      file,
      exitCode: document.exitCode,
      commit,
      run: runOf(document),
    })),
    missing,
    inventory: sorted.find(({ shard }) => shard.inventory !== null)?.shard.inventory ?? null,
    selection,
  };
  const codes = sorted.map(({ document }) => document.exitCode);
  const exitCode = worstExit([...codes, ...(missing.length > 0 ? [UNREACHABLE] : [])]);
  const documents = sorted.map(({ document }) => document);
  return { document: { ...joinDocuments(documents), exitCode, merged } };
}

/** Nothing is known of the hosts of a shard that has not reported. */
const UNREACHABLE = 5;

function runOf(document: Joinable): string | null {
  if (document.schema === 'ipsec-play/run/1') return document.run;
  return document.schema === 'ipsec-play/operation/1' ? (document.run?.run ?? null) : null;
}

/** In what the reports are not of one run. What the first of them says is held against all others. */
function differences(sorted: readonly ShardReport[]): readonly Diagnostic[] {
  return ASPECTS.flatMap(({ what, of, fix }) => {
    const told = sorted.flatMap((report) => {
      const value = of(report);
      return value === null ? [] : [{ file: report.file, value }];
    });
    const [one, ...others] = told;
    const other = others.find(({ value }) => value !== one?.value);
    if (one === undefined || other === undefined) return [];
    return [error('report-differs', `${one.file} and ${other.file} ${what(one.value, other.value)}`, { fix })];
  });
}

interface Aspect {
  what(one: string, other: string): string;
  /** Null: nothing is said of it. */
  of(report: ShardReport): string | null;
  readonly fix: string;
}

const ONE_RUN = 'merge the reports of one run: the same command in each job, but for I of --shard I/N';

const ASPECTS: readonly Aspect[] = [
  {
    what: (one, other) => `are of other commands: ${one}, ${other}`,
    of: ({ document }) => ('command' in document ? document.command : (document.schema.split('/')[1] ?? '')),
    fix: ONE_RUN,
  },
  {
    what: (one, other) => `are of other numbers of shards: ${one}, ${other}`,
    of: ({ shard }) => String(shard.count),
    fix: ONE_RUN,
  },
  {
    what: () => 'are of other inventories: not the same hosts, tunnels or redundancy groups',
    of: ({ shard }) => shard.inventory,
    fix: 'run all shards on one commit of the inventory, with the same --extra-vars',
  },
  {
    what: (one, other) => `are of other playbooks: ${one}, ${other}`,
    of: ({ document }) => ('playbook' in document ? document.playbook : null),
    fix: ONE_RUN,
  },
  {
    what: (one, other) => `are about other things: ${one}, ${other}`,
    of: ({ shard }) => (shard.selection.length === 0 ? 'all hosts' : shard.selection.join(' ')),
    fix: ONE_RUN,
  },
];

function twice(sorted: readonly ShardReport[]): readonly Diagnostic[] {
  const shards = new Map<number, string[]>();
  for (const { shard, file } of sorted) shards.set(shard.index, [...(shards.get(shard.index) ?? []), file]);
  const found = [...shards].flatMap(([index, files]) =>
    files.length < 2
      ? []
      : [
          error('report-twice', `${files.join(' and ')} are all of shard ${index}`, {
            fix: 'leave out all but the one that counts: of a job that was repeated, the last',
          }),
        ],
  );
  if (found.length > 0) return found;
  const owners = new Map<string, string[]>();
  for (const { document, file } of sorted) {
    if (!('hosts' in document)) continue;
    for (const host of Object.keys(document.hosts)) owners.set(host, [...(owners.get(host) ?? []), file]);
  }
  return naturalOrder(owners.keys()).flatMap((host) => {
    const files = owners.get(host) ?? [];
    if (files.length < 2) return [];
    return [error('report-twice', `the host ${host} is in ${files.join(' and ')}`, { fix: ONE_RUN })];
  });
}
