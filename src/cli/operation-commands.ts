import type { Command } from 'commander';
import type { Operation } from '../compile/backends/backend.ts';
import type { Terminal } from './machine/terminal.ts';
import { common, count, divisible, running } from './options/option-sets.ts';
import type { OperateOptions } from './options/options.ts';

const DESCRIPTIONS: Readonly<Record<Operation, string>> = {
  up: 'bring tunnels up on both ends, and prove them',
  down: 'take tunnels down on both ends',
  reload: "have the daemon that negotiates tunnels' keys read its files again",
};

/** The commands that do something with tunnels as they are: up, down, reload. */
export function operationCommands(root: Command, terminal: Terminal, done: (code: number) => void): void {
  for (const operation of ['up', 'down', 'reload'] as const) {
    const command = divisible(
      running(common(root.command(`${operation} <tunnels...>`).description(DESCRIPTIONS[operation]))),
    )
      .option('--check', 'show what would be done, and do nothing; exit 2 when something would')
      .option('-y, --yes', 'do it without asking');
    if (operation === 'up')
      command.option('--patience <seconds>', 'time for the first ping to come back (default: 30)', count);
    command.action(async (tunnels: readonly string[], options: OperateOptions) => {
      const { operate } = await import('./commands/operate.ts');
      done(await operate(operation, tunnels, options, terminal));
    });
  }
}
