import { Command, CommanderError, Help } from 'commander';
import { applyCommands } from './command-line/apply-commands.ts';
import { completionCommand } from './command-line/completion-command.ts';
import { hostsCommands, inventoryCommands } from './command-line/inventory-commands.ts';
import { operationCommands } from './command-line/operation-commands.ts';
import { type Called, outline } from './command-line/outline.ts';
import { reportCommands } from './command-line/report-commands.ts';
import { runCommands } from './command-line/run-commands.ts';
import { tunnelCommands } from './command-line/tunnel-commands.ts';
import { vaultCommands } from './command-line/vault-commands.ts';
import { EXIT, UsageFault } from './exit.ts';
import type { Terminal } from './machine/terminal.ts';
import { withCanary, withLabFolder } from './options/option-sets.ts';
import { VERSION } from './version.ts';

/** Reads the command line and runs what it names; gives the exit code. A command's code is loaded when it is used. */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<number> {
  const outcome = { code: EXIT.done as number };
  const done = (code: number) => {
    outcome.code = code;
  };
  const words = withLabFolder(withCanary(argv));
  try {
    const whole = () => program({ words: 'all', terminal, done, whole });
    await program({ words, terminal, done, whole }).parseAsync(words, { from: 'user' });
    return outcome.code;
  } catch (fault) {
    if (fault instanceof CommanderError) return fault.exitCode === 0 ? EXIT.done : EXIT.input;
    if (!(fault instanceof UsageFault)) throw fault;
    terminal.stderr(`ipsec-play: ${fault.message}\n${fault.fix === undefined ? '' : `  write: ${fault.fix}\n`}`);
    return EXIT.input;
  }
}

function program(called: Called): Command {
  const { terminal } = called;
  const width = () => terminal.columns ?? 80;
  const root = new Command('ipsec-play')
    .description('IPsec tunnels as code: both ends of a tunnel from one YAML inventory, over SSH, with exact dry runs.')
    .version(VERSION, '--version')
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: terminal.stdout,
      writeErr: terminal.stderr,
      getOutHelpWidth: width,
      getErrHelpWidth: width,
      getOutHasColors: () => terminal.color.stdout,
      getErrHasColors: () => terminal.color.stderr,
    })
    // All of them take options, and those that the words do not name have none here.
    .configureHelp({ subcommandTerm: (command) => new Help().subcommandTerm(command).replace(' [options]', '') })
    .addHelpText('after', EXIT_CODES);
  outline(root, COMMANDS, called);
  return root;
}

/** In the order of the list that help shows. */
const COMMANDS = [
  ...applyCommands,
  ...operationCommands,
  ...runCommands,
  ...tunnelCommands,
  inventoryCommands,
  reportCommands,
  hostsCommands,
  vaultCommands,
  completionCommand,
];

const EXIT_CODES = `
Exit codes: 0 done or in sync · 1 a bug in ipsec-play · 2 check: changes are pending · 3 the input is wrong ·
            4 a task failed on a host · 5 a host is unreachable · 6 a tunnel failed verification ·
            7, 8 drift: edited on a host, the kernel differs · 130 interrupted`;
