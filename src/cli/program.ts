import { Command, CommanderError, Option } from 'commander';
import { EXIT, UsageFault } from './exit.ts';
import type { Terminal } from './machine/terminal.ts';
import { operationCommands } from './operation-commands.ts';
import {
  common,
  count,
  divisible,
  looking,
  OF_TASKS,
  reading,
  running,
  withCanary,
  withLabFolder,
} from './options/option-sets.ts';
import type {
  ApplyOptions,
  CommonOptions,
  HandOffOptions,
  ImportOptions,
  KeygenOptions,
  PlanFileOptions,
  RotateOptions,
  RunOptions,
  ScanOptions,
  ShowOptions,
  ValidateOptions,
  VerifyOptions,
} from './options/options.ts';
import { reportCommands } from './report-commands.ts';
import { runCommands } from './run-commands.ts';
import { vaultCommands } from './vault-commands.ts';
import { VERSION } from './version.ts';

/** Reads the command line and runs what it names; gives the exit code. A command's code is loaded when it is used. */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<number> {
  const outcome = { code: EXIT.done as number };
  const done = (code: number) => {
    outcome.code = code;
  };
  try {
    await program(terminal, done).parseAsync(withLabFolder(withCanary(argv)), { from: 'user' });
    return outcome.code;
  } catch (fault) {
    if (fault instanceof CommanderError) return fault.exitCode === 0 ? EXIT.done : EXIT.input;
    if (!(fault instanceof UsageFault)) throw fault;
    terminal.stderr(`ipsec-play: ${fault.message}\n${fault.fix === undefined ? '' : `  write: ${fault.fix}\n`}`);
    return EXIT.input;
  }
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

  divisible(
    running(common(root.command('apply [playbook]').description('probe, show the plan, apply it, and prove it'))),
  )
    .option('--check', 'the same as the command check')
    .option('--plan <file>', 'apply what `plan --out` wrote, exactly or not at all')
    .option('-y, --yes', 'apply without asking')
    .addOption(
      new Option(
        '--confirm <how>',
        'manual: the old state comes back unless you confirm the run (default: auto)',
      ).choices(['auto', 'manual']),
    )
    .option('--no-verify', 'keep tunnels that come up without proof that encrypted traffic flows')
    .option('--break-lock', 'end other runs on these hosts; what they have changed goes back first')
    .action(async (playbook: string | undefined, options: ApplyOptions) => {
      if (options.plan !== undefined) {
        if (playbook !== undefined || options.check === true)
          throw new UsageFault('--plan stands alone: the plan names its playbook', `apply --plan ${options.plan}`);
        const { applyPlan } = await import('./commands/apply-plan.ts');
        return done(await applyPlan(options.plan, options, terminal));
      }
      if (playbook === undefined) throw new UsageFault('apply of what?', 'apply PLAYBOOK, or apply --plan FILE');
      const { runPlaybook } = await import('./commands/run-playbook.ts');
      done(await runPlaybook(options.check === true ? 'check' : 'apply', playbook, options, terminal));
    });
  divisible(
    running(
      common(root.command('check <playbook>').description('dry run with diffs; exit 2 when changes are pending')),
    ),
  ).action(async (playbook: string, options: RunOptions) => {
    const { runPlaybook } = await import('./commands/run-playbook.ts');
    done(await runPlaybook('check', playbook, options, terminal));
  });
  divisible(
    running(
      common(root.command('plan <playbook>').description('a dry run whose plan goes into a file, to be approved')),
    ),
  )
    .requiredOption('--out <file>', 'the file of the plan; one that is there is not overwritten')
    .option('--not-before <time>', 'it may be applied from this time on: 2026-11-22T22:00, or with Z or +01:00')
    .option('--not-after <time>', 'it may be applied until this time')
    .option('--force', 'overwrite the file')
    .action(async (playbook: string, options: PlanFileOptions) => {
      const { plan } = await import('./commands/plan.ts');
      done(await plan(playbook, options, terminal));
    });
  reading(root.command('show <what>').description('what is in the file of a plan, or what a run did'), [
    '--diff',
    '--no-diff',
  ])
    .addOption(new Option('--format <format>', 'for a ticket: markdown').choices(['human', 'markdown', 'json']))
    .action(async (what: string, options: ShowOptions) => {
      const { show } = await import('./commands/show.ts');
      done(await show(what, options, terminal));
    });
  divisible(
    looking(
      common(
        root
          .command('verify [tunnels...]')
          .description('prove that encrypted traffic flows, at both ends and on the wire'),
        ['junit'],
      ),
      OF_TASKS,
    ),
  )
    .option('--patience <seconds>', 'time for the first ping to come back, IKE included', count, 30)
    .option('--mtu', 'find the largest packet that passes')
    .option('--no-wire', 'do not watch the packets (tcpdump)')
    .action(async (tunnels: readonly string[], options: VerifyOptions) => {
      const { verify } = await import('./commands/verify.ts');
      done(await verify(tunnels, options, terminal));
    });
  looking(
    common(
      root
        .command('import <hosts...>')
        .description('read the tunnels that are on hosts already, and write them as an inventory'),
    ),
    OF_TASKS,
  )
    .option('--out <folder>', 'the folder of the new inventory (default: inventory, where there is none)')
    .option('--merge', 'add the tunnels that are new to the inventory that is there')
    .option('--plain-keys', 'write keys in plain text, where there is no vault password')
    .option('--encrypt-vault-id <label>', 'encrypt with the password of this vault id')
    .action(async (hosts: readonly string[], options: ImportOptions) => {
      const { importTunnels } = await import('./commands/import.ts');
      done(await importTunnels(hosts, options, terminal));
    });
  operationCommands(root, terminal, done);
  runCommands(root, terminal, done);
  reading(root.command('validate [playbook]').description('read everything, touch no host'))
    .option('--strict', 'warnings are errors')
    .action(async (playbook: string | undefined, options: ValidateOptions) => {
      const { validate } = await import('./commands/validate.ts');
      done(await validate(playbook, options, terminal));
    });
  divisible(reading(root.command('tasks <playbook>').description('the compiled, ordered tasks of each host'))).action(
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
  reading(
    root.command('hand-off <tunnel>').description('all that somebody needs who sets up the other end of a tunnel'),
  )
    .option('--for <host>', 'the end that the page is for (default: the one with managed: false)')
    .addOption(new Option('--format <format>', 'how the page is written').choices(['text', 'markdown']).default('text'))
    .option('--out <file>', 'write the page into this new file')
    .option('--key-out <file>', 'write the keys, which are never on the page, into this new file (0600)')
    .action(async (tunnel: string, options: HandOffOptions) => {
      const { handOff } = await import('./commands/hand-off.ts');
      done(await handOff(tunnel, options, terminal));
    });
  running(
    common(root.command('prune').description('remove what was created on hosts and the inventory no longer names')),
  )
    .option('--check', 'only show it; exit 2 when there is something to remove')
    .option('-y, --yes', 'remove it without asking')
    .action(async (options: RunOptions) => {
      const { prune } = await import('./commands/prune.ts');
      done(await prune(options, terminal));
    });
  running(
    common(
      root
        .command('rotate [tunnels...]')
        .description('give tunnels new keys: on both ends, proven, and in tunnels.yml'),
    ),
  )
    .option('--older-than <age>', 'tunnels whose keys are older: 90d, 12w, 2h')
    .option('--dry-run', 'show what would change, change nothing')
    .option('--resume', 'only bring rotations to their end that were cut off')
    .option('-y, --yes', 'rotate without asking')
    .action(async (tunnels: readonly string[], options: RotateOptions) => {
      const { rotate } = await import('./commands/rotate.ts');
      done(await rotate(tunnels, options, terminal));
    });
  inventoryCommands(root, terminal, done);
  reportCommands(root, terminal, done);
  hostsCommands(root, terminal, done);
  vaultCommands(root, terminal, done);
  return root;
}

function inventoryCommands(root: Command, terminal: Terminal, done: (code: number) => void): void {
  const inventory = root.command('inventory').description('what the inventory says').helpCommand(false);
  const load = () => import('./commands/inventory.ts');
  divisible(
    reading(
      inventory.command('list').description('hosts, groups and tunnels; with -o json as ansible-inventory --list'),
    ),
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

const EXIT_CODES = `
Exit codes: 0 done or in sync · 1 a bug in ipsec-play · 2 check: changes are pending · 3 the input is wrong ·
            4 a task failed on a host · 5 a host is unreachable · 6 a tunnel failed verification ·
            7, 8 drift: edited on a host, the kernel differs · 130 interrupted`;
