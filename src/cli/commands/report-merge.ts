import { readFileSync } from 'node:fs';
import pico from 'picocolors';
import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { formatDiagnostics } from '../../lang/format-diagnostics.ts';
import { mergeReports } from '../../report/merge/merge.ts';
import { readShardReport, type ShardReport } from '../../report/merge/shard-report.ts';
import type { Merged } from '../../report/shard-document.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import { mergedText } from '../shard/merged-text.ts';

export interface MergeOptions {
  readonly output: 'human' | 'json';
  readonly color: boolean;
}

/** Joins what the shards of one run have printed; the exit code is that of the whole run. Reaches no host. */
export async function reportMerge(
  files: readonly string[],
  { output, color }: MergeOptions,
  terminal: Terminal,
): Promise<number> {
  const read = files.map((file) => ({ file, found: readReport(file) }));
  const faults = read.flatMap(({ found }) => (found !== null && 'severity' in found ? [found] : []));
  const reports = read.flatMap(({ found }) => (found !== null && 'shard' in found ? [found] : []));
  for (const { file, found } of read) {
    if (found === null) terminal.stderr(`${file} is empty: its shard did not come to its end, and has no report\n`);
  }
  const refuse = (diagnostics: readonly Diagnostic[]) => {
    terminal.stderr(formatDiagnostics(diagnostics, new Map(), { color: terminal.color.stderr && color }));
    return EXIT.input;
  };
  if (faults.length > 0) return refuse(faults);
  const joined = mergeReports(reports);
  if ('diagnostics' in joined) return refuse(joined.diagnostics);
  const { document } = joined;
  for (const line of [...missingLines(document.merged), ...commitLines(document.merged)]) terminal.stderr(line);
  if (output === 'json') terminal.stdout(`${JSON.stringify(document, null, 2)}\n`);
  else terminal.stdout(`${mergedText(document, pico.createColors(terminal.color.stdout && color))}\n`);
  return document.exitCode;
}

function readReport(file: string): ShardReport | Diagnostic | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return error('file-unreadable', `${file} cannot be read`, { fix: 'check that it is a file and may be read' });
  }
  return readShardReport(file, text);
}

function missingLines({ missing, count }: Merged): readonly string[] {
  const [first] = missing;
  if (first === undefined) return [];
  const names = missing.map((index) => `${index}/${count}`);
  return [
    `shard ${some(names)}: no report, so nothing is known of these hosts; \`ipsec-play inventory list --shard ${first}/${count}\` lists them\n`,
  ];
}

/** Hosts and tunnels are the same, or the reports were refused; keys and variables may not be. */
function commitLines({ shards, count }: Merged): readonly string[] {
  const commits = new Map<string, string[]>();
  for (const { commit, index } of shards)
    if (commit !== null) commits.set(commit, [...(commits.get(commit) ?? []), `${index}/${count}`]);
  if (commits.size < 2) return [];
  const each = [...commits].map(([commit, names]) => `${some(names)} of ${commit.slice(0, 12)}`);
  return [`the shards are not of one commit of the inventory, so keys and variables may differ: ${each.join(', ')}\n`];
}

function some(names: readonly string[]): string {
  return names.length <= 10 ? names.join(', ') : `${names.slice(0, 9).join(', ')} and ${names.length - 9} more`;
}
