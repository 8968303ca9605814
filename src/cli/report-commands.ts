import { type Command, Option } from 'commander';
import type { MergeOptions } from './commands/report-merge.ts';
import type { Terminal } from './machine/terminal.ts';

/** The commands about what other commands have printed: report merge. */
export function reportCommands(root: Command, terminal: Terminal, done: (code: number) => void): void {
  const report = root.command('report').description('what other commands have reported').helpCommand(false);
  report
    .command('merge <files...>')
    .description('join the JSON that the shards of one run have printed')
    .addOption(new Option('-o, --output <format>', 'what goes to stdout').choices(['human', 'json']).default('human'))
    .option('--no-color', 'no colours (also: NO_COLOR)')
    .action(async (files: readonly string[], options: MergeOptions) =>
      done(await (await import('./commands/report-merge.ts')).reportMerge(files, options, terminal)),
    );
}
