import { visibleLine } from '../../report/visible.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import { type Outcome, runRecords } from '../run/records.ts';
import { runOn, type Settled, type SurveyedHost } from './runs-on-hosts.ts';

/** What a command has made of a run. */
export interface Settlings {
  readonly command: 'confirm' | 'rollback' | 'resume';
  readonly run: string;
  /** One sentence. */
  readonly summary: string;
  readonly hosts: ReadonlyMap<string, Settled>;
  /** What the run's record says from now on. */
  readonly outcome: Outcome | null;
}

/** Prints what came of it, brings the record up to date, and gives the exit code. */
export function reportSettled(settlings: Settlings, code: number, options: RunOptions, terminal: Terminal): number {
  const { command, run, summary, hosts, outcome } = settlings;
  if (outcome !== null) noteOutcome(run, outcome, terminal);
  if (options.output !== 'human') {
    const document = {
      schema: 'ipsec-play/settle/1',
      command,
      run,
      exitCode: code,
      summary,
      hosts: Object.fromEntries(hosts),
    };
    terminal.stdout(`${JSON.stringify(document, null, options.output === 'json' ? 2 : 0)}\n`);
    return code;
  }
  const width = Math.max(0, ...[...hosts.keys()].map((name) => name.length));
  for (const [name, { state, error }] of hosts) {
    const why = error === null ? '' : `: ${error.message}`;
    terminal.stdout(`${visibleLine(`${name.padEnd(width)}  ${WORDS[state] ?? state}${why}`)}\n`);
  }
  terminal.stdout(`${summary}\n`);
  return code;
}

export function noteOutcome(run: string, outcome: Outcome, terminal: Terminal): void {
  const records = runRecords(terminal);
  const record = records.read(run);
  if (record === null) return;
  const ended = record.ended ?? new Date().toISOString();
  records.write({ ...record, ended, outcome, pending: false });
}

const WORDS: Readonly<Record<string, string>> = {
  confirmed: 'confirmed',
  restored: 'the old state is back',
  unchanged: 'nothing was changed',
  none: 'nothing of the run is here',
  prepared: 'prepared, not changed',
  awaiting: 'waits to be confirmed',
  verified: 'proven, not confirmed',
  running: 'changed, not proven',
  'restore-failed': 'the old state could not be put back entirely',
  unknown: 'not known',
};

/** Where a host stands, before anything is done about it. */
export function standOf(host: SurveyedHost, run: string): Settled {
  return { state: host.survey === null ? 'unknown' : (runOn(host, run)?.state ?? 'none'), error: host.fault };
}

/** Unreachable goes before failed, as in the exit codes of a run. */
export function codeOf(hosts: ReadonlyMap<string, Settled>): number {
  const errors = [...hosts.values()].flatMap(({ error }) => (error === null ? [] : [error.code]));
  if (errors.length === 0) return EXIT.done;
  return errors.every((code) => code === 'restore-failed' || code === 'went-back') ? EXIT.failed : EXIT.unreachable;
}
