import { divisible, reading } from '../options/option-sets.ts';
import type { CommonOptions, ScanOptions } from '../options/options.ts';
import { type Outline, outline } from './outline.ts';

const load = () => import('../commands/inventory.ts');

/** The commands about what is in the inventory: inventory list, host and graph. */
export const inventoryCommands: Outline = {
  usage: 'inventory',
  about: 'what the inventory says',
  define: (inventory, called) => outline(inventory.helpCommand(false), WHAT_IT_SAYS, called),
};

const WHAT_IT_SAYS: readonly Outline[] = [
  {
    usage: 'list',
    about: 'hosts, groups and tunnels; with -o json as ansible-inventory --list',
    define: (command, { terminal, done }) => {
      divisible(reading(command)).action(async (options: CommonOptions) =>
        done(await (await load()).inventoryList(options, terminal)),
      );
    },
  },
  {
    usage: 'host <name>',
    about: 'the variables of a host, how it is reached, and where each comes from',
    define: (command, { terminal, done }) => {
      reading(command).action(async (name: string, options: CommonOptions) =>
        done(await (await load()).inventoryHost(name, options, terminal)),
      );
    },
  },
  {
    usage: 'graph',
    about: 'groups as a tree',
    define: (command, { terminal, done }) => {
      reading(command).action(async (options: CommonOptions) =>
        done(await (await load()).inventoryGraph(options, terminal)),
      );
    },
  },
];

/** The command about the hosts themselves: hosts scan. */
export const hostsCommands: Outline = {
  usage: 'hosts',
  about: 'the hosts of the inventory',
  define: (hosts, called) => outline(hosts.helpCommand(false), OF_HOSTS, called),
};

const OF_HOSTS: readonly Outline[] = [
  {
    usage: 'scan [pattern]',
    about: "collect the hosts' keys for the project's known_hosts, for review",
    define: (command, { terminal, done }) => {
      reading(command, ['--forks', '--timeout'])
        .option('-y, --yes', 'write new keys without asking')
        .option('--replace', "also write where another key is known, in place of the project's old one")
        .action(async (pattern: string | undefined, options: ScanOptions) => {
          const { hostsScan } = await import('../commands/hosts-scan.ts');
          done(await hostsScan(pattern, options, terminal));
        });
    },
  },
];
