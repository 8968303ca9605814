import pico from 'picocolors';
import { jsonLinesReporter } from '../../report/json.ts';
import type { Output, Reporter, ReportOptions } from '../../report/output.ts';
import { plainReporter } from '../../report/plain.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';

export const SILENT: Reporter = { listen: () => {}, close: async () => {} };

/** The reporter that the options and the terminal ask for; the JSON document is made when the run is over. */
export async function makeReporter(
  command: 'check' | 'apply',
  options: RunOptions,
  terminal: Terminal,
  /** The plan was on the screen already: its diffs need not come again. */
  shown: boolean,
): Promise<Reporter> {
  const output: Output = {
    results: terminal.stdout,
    messages: terminal.stderr,
    colors: pico.createColors(terminal.color.stdout && options.color),
  };
  const report: ReportOptions = { command, diff: options.diff && !shown, verbosity: options.verbose };
  if (options.output === 'json') return SILENT;
  if (options.output === 'jsonl') return jsonLinesReporter(output);
  if (terminal.progress === null) return plainReporter(output, report);
  const { ttyReporter } = await import('../../report/tty.ts');
  return ttyReporter(output, report, terminal.progress);
}
