import { EXIT } from '../exit.ts';
import { table } from '../machine/table.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import { type RunRecord, runRecords } from '../run/records.ts';

export interface HistoryOptions extends RunOptions {
  readonly number?: number;
}

/** The runs that were made from this directory, the newest first. */
export function history(options: HistoryOptions, terminal: Terminal): number {
  const records = runRecords(terminal)
    .all()
    .slice(0, options.number ?? 20);
  if (options.output !== 'human') {
    const document = { schema: 'ipsec-play/history/1', runs: records.map(summary) };
    terminal.stdout(`${JSON.stringify(document, null, options.output === 'json' ? 2 : 0)}\n`);
    return EXIT.done;
  }
  if (records.length === 0) {
    terminal.stderr('There are no records of runs in .ipsec-play/runs here.\n');
    return EXIT.done;
  }
  const rows = records.map((record) => [
    record.run,
    record.begun.replace(/\.\d+Z$/, 'Z'),
    record.who,
    record.rollbackOf === null ? record.playbook : `(rollback ${record.rollbackOf})`,
    String(Object.keys(record.hosts).length),
    record.outcome,
  ]);
  terminal.stdout(`${table(['RUN', 'WHEN', 'WHO', 'PLAYBOOK', 'HOSTS', 'OUTCOME'], rows)}\n`);
  return EXIT.done;
}

function summary(record: RunRecord) {
  const { run, rollbackOf, who, begun, ended, playbook, outcome, exitCode, pending } = record;
  const hosts = Object.fromEntries(Object.entries(record.hosts).map(([name, { status }]) => [name, status]));
  return { run, rollbackOf, who, begun, ended, playbook, outcome, exitCode, pending, hosts };
}
