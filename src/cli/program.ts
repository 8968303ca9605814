import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT, UsageFault } from './exit.ts';
import type { CommonOptions, RunOptions } from './options.ts';
import type { Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

/** Reads the command line and runs what it names; gives the exit code. A command's code is loaded when it is used. */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<number> {
  const outcome = { code: EXIT.done as number };
  const done = (code: number) => {
    outcome.code = code;
  };
  try {
    await program(terminal, done).parseAsync(withLabFolder(argv), { from: 'user' });
    return outcome.code;
  } catch (fault) {
    if (fault instanceof CommanderError) return fault.exitCode === 0 ? EXIT.done : EXIT.input;
    if (!(fault instanceof UsageFault)) throw fault;
    terminal.stderr(`ipsec-play: ${fault.message}\n${fault.fix === undefined ? '' : `  write: ${fault.fix}\n`}`);
    return EXIT.input;
  }
}

const DEFAULT_LAB = '.ipsec-play/lab';

/** `--lab PLAYBOOK`: the folder is only ever given with `=`, so the playbook is not taken for it. */
function withLabFolder(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return argv.map((word, index) => (word === '--lab' && (end === -1 || index < end) ? `--lab=${DEFAULT_LAB}` : word));
}

function program(terminal: Terminal, done: (code: number) => void): Command {
  const root = new Command('ipsec-play')
    .description('IPsec tunnels as code: both ends of a tunnel from one YAML inventory, over SSH, with exact dry runs.')
    .version(VERSION, '--version')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ writeOut: terminal.stdout, writeErr: terminal.stderr })
    .addHelpText('after', EXIT_CODES);

  running(common(root.command('apply <playbook>').description('probe, show the plan, apply it, and prove it')))
    .option('--check', 'the same as the command check')
    .option('-y, --yes', 'apply without asking')
    .action(async (playbook: string, options: RunOptions) => {
      const { runPlaybook } = await import('./commands/run-playbook.ts');
      done(await runPlaybook(options.check === true ? 'check' : 'apply', playbook, options, terminal));
    });
  running(
    common(root.command('check <playbook>').description('dry run with diffs; exit 2 when changes are pending')),
  ).action(async (playbook: string, options: RunOptions) => {
    const { runPlaybook } = await import('./commands/run-playbook.ts');
    done(await runPlaybook('check', playbook, options, terminal));
  });
  reading(root.command('validate [playbook]').description('read everything, touch no host')).action(
    async (playbook: string | undefined, options: CommonOptions) => {
      const { validate } = await import('./commands/validate.ts');
      done(await validate(playbook, options, terminal));
    },
  );
  reading(root.command('tasks <playbook>').description('the compiled, ordered tasks of each host')).action(
    async (playbook: string, options: CommonOptions) => {
      const { tasks } = await import('./commands/tasks.ts');
      done(await tasks(playbook, options, terminal));
    },
  );
  inventoryCommands(root, terminal, done);
  return root;
}

function inventoryCommands(root: Command, terminal: Terminal, done: (code: number) => void): void {
  const inventory = root.command('inventory').description('what the inventory says').helpCommand(false);
  const load = () => import('./commands/inventory.ts');
  reading(
    inventory.command('list').description('hosts, groups and tunnels; with -o json as ansible-inventory --list'),
  ).action(async (options: CommonOptions) => done(await (await load()).inventoryList(options, terminal)));
  reading(inventory.command('host <name>').description('the variables of a host and where each comes from')).action(
    async (name: string, options: CommonOptions) => done(await (await load()).inventoryHost(name, options, terminal)),
  );
  reading(inventory.command('graph').description('groups as a tree')).action(async (options: CommonOptions) =>
    done(await (await load()).inventoryGraph(options, terminal)),
  );
}

function common(command: Command): Command {
  return command
    .option('-i, --inventory <path>', 'inventory folder or hosts file', 'inventory')
    .option('-l, --limit <pattern>', 'only these hosts')
    .addOption(
      new Option('-t, --tags <tags>', 'only tasks with one of these tags').argParser(collectNames).default([], 'all'),
    )
    .addOption(
      new Option('--skip-tags <tags>', 'no tasks with one of these tags').argParser(collectNames).default([], 'none'),
    )
    .addOption(
      new Option('-e, --extra-vars <vars>', 'key=value, YAML or JSON, or @FILE; wins over all other variables')
        .argParser(collect)
        .default([], 'none'),
    )
    .addOption(
      new Option('-o, --output <format>', 'what goes to stdout').choices(['human', 'json', 'jsonl']).default('human'),
    )
    .option('-v, --verbose', 'more: tasks that are in order too', (_value: string, before: number) => before + 1, 0)
    .option('--no-color', 'no colours (also: NO_COLOR)');
}

function running(command: Command): Command {
  return command
    .option('-f, --forks <n>', 'hosts at the same time', count, 64)
    .option('-u, --user <name>', 'log in as this user')
    .option('--private-key <file>', 'log in with this key')
    .option('-k, --ask-pass', 'ask for the login password')
    .option('-b, --become', 'become root with sudo')
    .option('-K, --ask-become-pass', 'ask for the become password')
    .option('-D, --diff', 'show diffs', true)
    .option('--no-diff', 'show no diffs')
    .option('--accept-new-host-keys', 'record the keys of hosts that are not in known_hosts yet')
    .option('--timeout <seconds>', 'time for a connection to be ready (default: ansible_timeout, or 20)', count)
    .option('--lab [=dir]', `run against stand-ins of the hosts on this machine (default: ${DEFAULT_LAB})`, folder);
}

/** A command that touches no host takes the options of a run all the same: one set of options serves every command. */
function reading(command: Command): Command {
  const shown = new Set(common(command).options);
  for (const option of running(command).options) if (!shown.has(option)) option.hideHelp();
  return command;
}

function folder(value: string): string {
  if (value === '') throw new InvalidArgumentError('It names no folder.');
  return value;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function collectNames(value: string, before: readonly string[]): readonly string[] {
  const names = value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  // An unset variable of a script must not mean all tasks.
  if (names.length === 0) throw new InvalidArgumentError('It names no tag.');
  return [...before, ...names];
}

function count(value: string): number {
  const number = /^\d+$/.test(value) ? Number(value) : 0;
  if (number < 1 || number > MOST) throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST}.`);
  return number;
}

/** More seconds than these a timer of Node cannot count. */
const MOST = 1_000_000;

const EXIT_CODES = `
Exit codes: 0 done or in sync · 1 a bug in ipsec-play · 2 check: changes are pending · 3 the input is wrong ·
            4 a task failed on a host · 5 a host is unreachable · 6 a tunnel failed verification · 130 interrupted`;
