import { Option } from 'commander';
import type { MergeOptions } from '../commands/report-merge.ts';
import { type Outline, outline } from './outline.ts';

/** The commands about what other commands have printed: report merge. */
export const reportCommands: Outline = {
  usage: 'report',
  about: 'what other commands have reported',
  define: (report, called) => outline(report.helpCommand(false), [merge], called),
};

const merge: Outline = {
  usage: 'merge <files...>',
  about: 'join the JSON that the shards of one run have printed',
  define: (command, { terminal, done }) => {
    command
      .addOption(new Option('-o, --output <format>', 'what goes to stdout').choices(['human', 'json']).default('human'))
      .option('--no-color', 'no colours (also: NO_COLOR)')
      .action(async (files: readonly string[], options: MergeOptions) =>
        done(await (await import('../commands/report-merge.ts')).reportMerge(files, options, terminal)),
      );
  },
};
