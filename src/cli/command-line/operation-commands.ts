import type { Operation } from '../../compile/backends/backend.ts';
import { common, count, divisible, running } from '../options/option-sets.ts';
import type { OperateOptions } from '../options/options.ts';
import type { Outline } from './outline.ts';

/** The commands that do something with tunnels as they are: up, down, reload. */
export const operationCommands: readonly Outline[] = [
  operation('up', 'bring tunnels up on both ends, and prove them'),
  operation('down', 'take tunnels down on both ends'),
  operation('reload', "have the daemon that negotiates tunnels' keys read its files again"),
];

function operation(name: Operation, about: string): Outline {
  return {
    usage: `${name} <tunnels...>`,
    about,
    define: (command, { terminal, done }) => {
      divisible(running(common(command)))
        .option('--check', 'show what would be done, and do nothing; exit 2 when something would')
        .option('-y, --yes', 'do it without asking')
        .action(async (tunnels: readonly string[], options: OperateOptions) => {
          const { operate } = await import('../commands/operate.ts');
          done(await operate(name, tunnels, options, terminal));
        });
      if (name === 'up')
        command.option('--patience <seconds>', 'time for the first ping to come back (default: 30)', count);
    },
  };
}
