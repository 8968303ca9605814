import type { HistoryOptions } from '../commands/history.ts';
import { common, count, divisible, looking, OF_TASKS, reading, running } from '../options/option-sets.ts';
import type { RunOptions, StatusOptions } from '../options/options.ts';
import type { Outline } from './outline.ts';

/** The commands about how things stand, and about runs that were made. */
export const runCommands: readonly Outline[] = [
  {
    usage: 'history',
    about: 'the runs that were made from this directory',
    define: (command, { terminal, done }) => {
      reading(command)
        .option('-n, --number <n>', 'how many (default: 20)', count)
        .action(async (options: HistoryOptions) =>
          done((await import('../commands/history.ts')).history(options, terminal)),
        );
    },
  },
  {
    usage: 'status',
    about: 'how all tunnels stand, at both ends, and runs that are not at their end',
    define: (command, { terminal, done }) => {
      divisible(looking(common(command, ['prometheus']), OF_TASKS))
        .option('-w, --watch [seconds]', 'again and again, every so many seconds (default: 5), until Ctrl-C', count)
        .option('--runs', 'only the runs: neither tunnels nor keys are read')
        .action(async (options: StatusOptions) =>
          done(await (await import('../commands/status.ts')).status(options, terminal)),
        );
    },
  },
  {
    usage: 'drift <playbook>',
    about: 'what differs from the inventory, and whose doing it is',
    define: (command, { terminal, done }) => {
      divisible(looking(common(command))).action(async (playbook: string, options: RunOptions) =>
        done(await (await import('../commands/drift.ts')).drift(playbook, options, terminal)),
      );
    },
  },
  {
    usage: 'confirm <run>',
    about: 'keep what a run with --confirm manual has changed',
    define: (command, { terminal, done }) => {
      running(common(command)).action(async (run: string, options: RunOptions) =>
        done(await (await import('../commands/confirm.ts')).confirmRun(run, options, terminal)),
      );
    },
  },
  {
    usage: 'rollback <run>',
    about: 'take a run back, confirmed or not, on all of its hosts',
    define: (command, { terminal, done }) => {
      running(common(command))
        .option('-y, --yes', 'take it back without asking')
        .action(async (run: string, options: RunOptions) =>
          done(await (await import('../commands/rollback.ts')).rollbackRun(run, options, terminal)),
        );
    },
  },
  {
    usage: 'resume <run>',
    about: 'bring a run to its end that was cut off here',
    define: (command, { terminal, done }) => {
      running(common(command)).action(async (run: string, options: RunOptions) =>
        done(await (await import('../commands/resume.ts')).resumeRun(run, options, terminal)),
      );
    },
  },
];
