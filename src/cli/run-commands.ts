import type { Command } from 'commander';
import type { HistoryOptions } from './commands/history.ts';
import type { Terminal } from './machine/terminal.ts';
import { common, count, divisible, looking, OF_TASKS, reading, running } from './options/option-sets.ts';
import type { RunOptions, StatusOptions } from './options/options.ts';

/** The commands about runs that were made: history, status, confirm, rollback, resume. */
export function runCommands(root: Command, terminal: Terminal, done: (code: number) => void): void {
  reading(root.command('history').description('the runs that were made from this directory'))
    .option('-n, --number <n>', 'how many (default: 20)', count)
    .action(async (options: HistoryOptions) =>
      done((await import('./commands/history.ts')).history(options, terminal)),
    );
  divisible(
    looking(
      common(
        root.command('status').description('how all tunnels stand, at both ends, and runs that are not at their end'),
        ['prometheus'],
      ),
      OF_TASKS,
    ),
  )
    .option('-w, --watch [seconds]', 'again and again, every so many seconds (default: 5), until Ctrl-C', count)
    .option('--runs', 'only the runs: neither tunnels nor keys are read')
    .action(async (options: StatusOptions) =>
      done(await (await import('./commands/status.ts')).status(options, terminal)),
    );
  divisible(
    looking(
      common(root.command('drift <playbook>').description('what differs from the inventory, and whose doing it is')),
    ),
  ).action(async (playbook: string, options: RunOptions) =>
    done(await (await import('./commands/drift.ts')).drift(playbook, options, terminal)),
  );
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
