import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT, UsageFault } from './exit.ts';
import type {
  CommonOptions,
  KeygenOptions,
  RunOptions,
  ScanOptions,
  ValidateOptions,
  VaultCommandOptions,
} from './options.ts';
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
  reading(root.command('validate [playbook]').description('read everything, touch no host'))
    .option('--strict', 'warnings are errors')
    .action(async (playbook: string | undefined, options: ValidateOptions) => {
      const { validate } = await import('./commands/validate.ts');
      done(await validate(playbook, options, terminal));
    });
  reading(root.command('tasks <playbook>').description('the compiled, ordered tasks of each host')).action(
    async (playbook: string, options: CommonOptions) => {
      const { tasks } = await import('./commands/tasks.ts');
      done(await tasks(playbook, options, terminal));
    },
  );
  reading(
    root.command('keygen [tunnels...]').description('draw the keys that tunnels.yml lacks, and encrypt them into it'),
  )
    .option('--force', 'draw new keys for the tunnels named, in place of those that they have')
    .option('--dry-run', 'show the places of new keys, write nothing')
    .option('--encrypt-vault-id <label>', 'encrypt with the password of this vault id')
    .action(async (tunnels: readonly string[], options: KeygenOptions) => {
      const { keygen } = await import('./commands/keygen.ts');
      done(await keygen(tunnels, options, terminal));
    });
  inventoryCommands(root, terminal, done);
  hostsCommands(root, terminal, done);
  vaultCommands(root, terminal, done);
  return root;
}

function inventoryCommands(root: Command, terminal: Terminal, done: (code: number) => void): void {
  const inventory = root.command('inventory').description('what the inventory says').helpCommand(false);
  const load = () => import('./commands/inventory.ts');
  reading(
    inventory.command('list').description('hosts, groups and tunnels; with -o json as ansible-inventory --list'),
  ).action(async (options: CommonOptions) => done(await (await load()).inventoryList(options, terminal)));
  reading(
    inventory
      .command('host <name>')
      .description('the variables of a host, how it is reached, and where each comes from'),
  ).action(async (name: string, options: CommonOptions) =>
    done(await (await load()).inventoryHost(name, options, terminal)),
  );
  reading(inventory.command('graph').description('groups as a tree')).action(async (options: CommonOptions) =>
    done(await (await load()).inventoryGraph(options, terminal)),
  );
}

function hostsCommands(root: Command, terminal: Terminal, done: (code: number) => void): void {
  const hosts = root.command('hosts').description('the hosts of the inventory').helpCommand(false);
  reading(
    hosts.command('scan [pattern]').description("collect the hosts' keys for the project's known_hosts, for review"),
    ['--forks', '--timeout'],
  )
    .option('-y, --yes', 'write new keys without asking')
    .option('--replace', "also write where another key is known, in place of the project's old one")
    .action(async (pattern: string | undefined, options: ScanOptions) => {
      const { hostsScan } = await import('./commands/hosts-scan.ts');
      done(await hostsScan(pattern, options, terminal));
    });
}

function vaultCommands(root: Command, terminal: Terminal, done: (code: number) => void): void {
  const vault = root.command('vault').description('encrypt and decrypt as ansible-vault does').helpCommand(false);
  const command = (usage: string, description: string) => vaultPasswords(vault.command(usage).description(description));
  const output = '--output <file>';
  const encryptId = '--encrypt-vault-id <label>';
  type Run = (names: readonly string[], options: VaultCommandOptions, terminal: Terminal) => Promise<number>;
  type Commands = typeof import('./commands/vault.ts');
  const runs = (choose: (commands: Commands) => Run) => async (names: string[], options: VaultCommandOptions) =>
    done(await choose(await import('./commands/vault.ts'))(names, options, terminal));

  command('encrypt [files...]', 'encrypt files in their place; - is stdin')
    .option(output, 'where it goes; - is stdout')
    .option(encryptId, 'which of several vault passwords to encrypt with')
    .action(runs(({ vaultEncrypt }) => vaultEncrypt));
  command('decrypt [files...]', 'decrypt files in their place; - is stdin')
    .option(output, 'where it goes; - is stdout')
    .action(runs(({ vaultDecrypt }) => vaultDecrypt));
  command('view <files...>', 'show what is in encrypted files').action(runs(({ vaultView }) => vaultView));
  command('edit <files...>', 'edit encrypted files with $VISUAL or $EDITOR').action(runs(({ vaultEdit }) => vaultEdit));
  command('rekey <files...>', 'encrypt files with another password')
    .option('--new-vault-id <id>', 'the new password: label@file, label@prompt, or a file')
    .option('--new-vault-password-file <file>', 'the new password: a file that holds it, or a program that prints it')
    .option(encryptId, 'the new password is one of those given, by its label')
    .action(runs(({ vaultRekey }) => vaultRekey));
  command('encrypt-string [texts...]', 'make `name: !vault` values of texts; better on stdin than in the command line')
    .alias('encrypt_string')
    .addOption(new Option('-n, --name <name>', 'the name of the variable').argParser(collect))
    .option('--stdin-name <name>', 'the name of the variable for the text on stdin')
    .option('-p, --prompt', 'ask for the text')
    .option(output, 'where it goes; - is stdout')
    .option(encryptId, 'which of several vault passwords to encrypt with')
    .action(async (texts: string[], options: VaultCommandOptions) => {
      const { vaultEncryptString } = await import('./commands/vault-encrypt-string.ts');
      done(await vaultEncryptString(texts, options, terminal));
    });
}

function vaultPasswords(command: Command): Command {
  return command
    .addOption(
      new Option('--vault-id <id>', 'vault password: label@file, label@prompt, or a file; may come several times')
        .argParser(collectVaultId)
        .default([], 'none'),
    )
    .addOption(
      new Option('--vault-password-file <file>', 'vault password: a file that holds it, or a program that prints it')
        .argParser(collect)
        .default([], 'none'),
    )
    .option('-J, --ask-vault-pass', 'ask for the vault password');
}

function common(command: Command): Command {
  return vaultPasswords(command)
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
    .option('--ssh-config <file>', 'instead of ~/.ssh/config, as ssh -F; none: no file at all')
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
    .option(
      '--command-timeout <seconds>',
      'time for each task on a host, and for reading the host (default: none)',
      count,
    )
    .option('--total-timeout <seconds>', 'time for the whole run (default: none)', count)
    .option(
      '--retries <n>',
      'further attempts to connect, where that can help (default: ansible_ssh_retries, or 0)',
      countOrNone,
    )
    .option('--lab [=dir]', `run against stand-ins of the hosts on this machine (default: ${DEFAULT_LAB})`, folder);
}

/**
 * A command that does not work on hosts takes the options of a run all the same: one set of options serves every command.
 * `also`: those that mean something to it.
 */
function reading(command: Command, also: readonly string[] = []): Command {
  const shown = new Set(common(command).options);
  for (const option of running(command).options)
    if (!shown.has(option) && !also.includes(option.long ?? '')) option.hideHelp();
  return command;
}

function folder(value: string): string {
  if (value === '') throw new InvalidArgumentError('It names no folder.');
  return value;
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function collectVaultId(value: string, before: readonly string[]): readonly string[] {
  const at = value.indexOf('@');
  if (at !== -1 && /[;\s]/.test(value.slice(0, at))) throw new InvalidArgumentError('A label has no ; and no blanks.');
  if (value.slice(at + 1) === '') throw new InvalidArgumentError('It names no file.');
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

function countOrNone(value: string): number {
  return value === '0' ? 0 : count(value);
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
