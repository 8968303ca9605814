import { Option } from 'commander';
import { common, divisible, reading, running } from '../options/option-sets.ts';
import type {
  CommonOptions,
  HandOffOptions,
  KeygenOptions,
  RotateOptions,
  RunOptions,
  ValidateOptions,
} from '../options/options.ts';
import type { Outline } from './outline.ts';

/** The commands about the inventory's tunnels: what is written of them, their keys, and what is left of those that went. */
export const tunnelCommands: readonly Outline[] = [
  {
    usage: 'validate [playbook]',
    about: 'read everything, touch no host',
    define: (command, { terminal, done }) => {
      reading(command)
        .option('--strict', 'warnings are errors')
        .action(async (playbook: string | undefined, options: ValidateOptions) => {
          const { validate } = await import('../commands/validate.ts');
          done(await validate(playbook, options, terminal));
        });
    },
  },
  {
    usage: 'tasks <playbook>',
    about: 'the compiled, ordered tasks of each host',
    define: (command, { terminal, done }) => {
      divisible(reading(command)).action(async (playbook: string, options: CommonOptions) => {
        const { tasks } = await import('../commands/tasks.ts');
        done(await tasks(playbook, options, terminal));
      });
    },
  },
  {
    usage: 'keygen [tunnels...]',
    about: 'draw the keys that tunnels.yml lacks, and encrypt them into it',
    define: (command, { terminal, done }) => {
      reading(command)
        .option('--force', 'draw new keys for the tunnels named, in place of those that they have')
        .option('--dry-run', 'show the places of new keys, write nothing')
        .option('--encrypt-vault-id <label>', 'encrypt with the password of this vault id')
        .action(async (tunnels: readonly string[], options: KeygenOptions) => {
          const { keygen } = await import('../commands/keygen.ts');
          done(await keygen(tunnels, options, terminal));
        });
    },
  },
  {
    usage: 'hand-off <tunnel>',
    about: 'all that somebody needs who sets up the other end of a tunnel',
    define: (command, { terminal, done }) => {
      reading(command)
        .option('--for <host>', 'the end that the page is for (default: the one with managed: false)')
        .addOption(
          new Option('--format <format>', 'how the page is written').choices(['text', 'markdown']).default('text'),
        )
        .option('--out <file>', 'write the page into this new file')
        .option('--key-out <file>', 'write the keys, which are never on the page, into this new file (0600)')
        .action(async (tunnel: string, options: HandOffOptions) => {
          const { handOff } = await import('../commands/hand-off.ts');
          done(await handOff(tunnel, options, terminal));
        });
    },
  },
  {
    usage: 'prune',
    about: 'remove what was created on hosts and the inventory no longer names',
    define: (command, { terminal, done }) => {
      running(common(command))
        .option('--check', 'only show it; exit 2 when there is something to remove')
        .option('-y, --yes', 'remove it without asking')
        .action(async (options: RunOptions) => {
          const { prune } = await import('../commands/prune.ts');
          done(await prune(options, terminal));
        });
    },
  },
  {
    usage: 'rotate [tunnels...]',
    about: 'give tunnels new keys: on both ends, proven, and in tunnels.yml',
    define: (command, { terminal, done }) => {
      running(common(command))
        .option('--older-than <age>', 'tunnels whose keys are older: 90d, 12w, 2h')
        .option('--dry-run', 'show what would change, change nothing')
        .option('--resume', 'only bring rotations to their end that were cut off')
        .option('-y, --yes', 'rotate without asking')
        .action(async (tunnels: readonly string[], options: RotateOptions) => {
          const { rotate } = await import('../commands/rotate.ts');
          done(await rotate(tunnels, options, terminal));
        });
    },
  },
];
