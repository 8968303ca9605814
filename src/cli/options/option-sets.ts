import { type Command, InvalidArgumentError, Option } from 'commander';
import { MOST_SHARDS, parseShard, type Shard } from '../../model/shard.ts';

const DEFAULT_LAB = '.ipsec-play/lab';

/** `--lab PLAYBOOK`: the folder is only ever given with `=`, so the playbook is not taken for it. */
export function withLabFolder(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return argv.map((word, index) => (word === '--lab' && (end === -1 || index < end) ? `--lab=${DEFAULT_LAB}` : word));
}

/** `--canary PLAYBOOK`: a playbook is no host. */
export function withCanary(argv: readonly string[]): readonly string[] {
  const at = argv.indexOf('--canary');
  const end = argv.indexOf('--');
  if (at === -1 || (end !== -1 && end < at)) return argv;
  const next = argv[at + 1];
  const isValue = next !== undefined && /^[^-/][^/]*$/.test(next) && !/\.(ya?ml|json)$/i.test(next);
  const value = isValue ? next : '1';
  return [...argv.slice(0, at), `--canary=${value}`, ...argv.slice(at + (isValue ? 2 : 1))];
}

/** Where the passwords of vaults come from. */
export function vaultPasswords(command: Command): Command {
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

/** The options of every command that reads an inventory. */
export function common(command: Command, formats: readonly string[] = []): Command {
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
      new Option('-o, --output <format>', 'what goes to stdout')
        .choices(['human', 'json', 'jsonl', ...formats])
        .default('human'),
    )
    .option('-v, --verbose', 'more: tasks that are in order too', (_value: string, before: number) => before + 1, 0)
    .option('--ssh-config <file>', 'instead of ~/.ssh/config, as ssh -F; none: no file at all')
    .option('--no-color', 'no colours (also: NO_COLOR)');
}

/** The options of a command that works on hosts. */
export function running(command: Command): Command {
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
    .option(
      '--confirm-timeout <seconds>',
      'a host that is not heard from for so long puts its old state back (default: 90)',
      count,
    )
    .option(
      '--canary [n|host]',
      'first one set of hosts that tunnels connect alone, or N of them, or that of a host; the others when it is confirmed',
    )
    .option('--max-down <n>', 'so many tunnels may be down at a time; more end the run', countOrNone)
    .option('--total-timeout <seconds>', 'time for the whole run (default: none)', count)
    .option(
      '--retries <n>',
      'further attempts to connect, where that can help (default: ansible_ssh_retries, or 0)',
      countOrNone,
    )
    .option(
      '--trace <file>',
      'write what took how long on which host into this new file, for chrome://tracing or Perfetto',
    )
    .option('--lab [=dir]', `run against stand-ins of the hosts on this machine (default: ${DEFAULT_LAB})`, folder);
}

/** The option of a command that can do a part of its work here, and the others elsewhere. */
export function divisible(command: Command): Command {
  return command.option(
    '--shard <i/n>',
    'only part I of N of the hosts, divided by their tunnels: the others are for other machines or jobs',
    shard,
  );
}

/**
 * A command that does not work on hosts takes the options of a run all the same: one set of options serves every command.
 * `also`: those that mean something to it.
 */
export function reading(command: Command, also: readonly string[] = []): Command {
  const shown = new Set(common(command).options);
  for (const option of running(command).options)
    if (!shown.has(option) && !also.includes(option.long ?? '')) option.hideHelp();
  return command;
}

/**
 * A command that changes nothing on hosts is not told how to change them; `also`: what it has no use for either. It takes
 * all of it, as `reading` does.
 */
export function looking(command: Command, also: readonly string[] = []): Command {
  const unused = ['--confirm-timeout', '--canary', '--max-down', ...also];
  for (const option of running(command).options) if (unused.includes(option.long ?? '')) option.hideHelp();
  return command;
}

/** Of a command that looks at tunnels, without a playbook. */
export const OF_TASKS = ['--tags', '--skip-tags', '--diff', '--no-diff'];

function shard(value: string): Shard {
  const read = parseShard(value);
  if (read !== null) return read;
  throw new InvalidArgumentError(
    `It must be I/N, part I of N parts, I from 1 on: 1/3, 2/3, 3/3. N is at most ${MOST_SHARDS}.`,
  );
}

function folder(value: string): string {
  if (value === '') throw new InvalidArgumentError('It names no folder.');
  return value;
}

export function collect(value: string, before: readonly string[] = []): readonly string[] {
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

export function countOrNone(value: string): number {
  return value === '0' ? 0 : count(value);
}

export function count(value: string): number {
  const number = /^\d+$/.test(value) ? Number(value) : 0;
  if (number < 1 || number > MOST) throw new InvalidArgumentError(`It must be a whole number from 1 to ${MOST}.`);
  return number;
}

/** More seconds than these a timer of Node cannot count. */
const MOST = 1_000_000;
