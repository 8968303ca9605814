import type { Command } from 'commander';
import type { HistoryOptions } from './commands/history.ts';
import { common, count, reading, running } from './option-sets.ts';
import type { RunOptions } from './options.ts';
import type { Terminal } from './terminal.ts';

/** The commands about runs that were made: history, status, confirm, rollback, resume. */
export function runCommands(root: Command, terminal: Terminal, done: (code: number) => void): void {
  reading(root.command('history').description('the runs that were made from this directory'))
    .option('-n, --number <n>', 'how many (default: 20)', count)
    .action(async (options: HistoryOptions) =>
      done((await import('./commands/history.ts')).history(options, terminal)),
    );
  running(
    common(
      root.command('status').description('runs on the hosts that wait to be confirmed, or did not come to their end'),
    ),
  ).action(async (options: RunOptions) => done(await (await import('./commands/status.ts')).status(options, terminal)));
  running(
    common(root.command('confirm <run>').description('keep what a run with --confirm manual has changed')),
  ).action(async (run: string, options: RunOptions) =>
    done(await (await import('./commands/confirm.ts')).confirmRun(run, options, terminal)),
  );
  running(common(root.command('rollback <run>').description('take a run back, confirmed or not, on all of its hosts')))
    .option('-y, --yes', 'take it back without asking')
    .action(async (run: string, options: RunOptions) =>
      done(await (await import('./commands/rollback.ts')).rollbackRun(run, options, terminal)),
    );
  running(common(root.command('resume <run>').description('bring a run to its end that was cut off here'))).action(
    async (run: string, options: RunOptions) =>
      done(await (await import('./commands/resume.ts')).resumeRun(run, options, terminal)),
  );
}
