import { UsageFault } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import { rotationJournals } from '../rotate/journal.ts';
import { runName } from '../run/records.ts';
import { finishRun } from '../settle/finish-run.ts';

/** Brings a run whose controller has died to its end. What rotates keys is more than its run, and has an end of its own. */
export async function resumeRun(name: string, options: RunOptions, terminal: Terminal): Promise<number> {
  if (rotationJournals(terminal).read(runName(name)) !== null) {
    throw new UsageFault(
      `the run ${name} rotates keys, which tunnels.yml does not have yet`,
      'ipsec-play rotate --resume',
    );
  }
  return finishRun(name, options, terminal);
}
