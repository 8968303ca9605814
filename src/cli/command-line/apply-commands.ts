import { Option } from 'commander';
import { UsageFault } from '../exit.ts';
import { common, count, divisible, looking, OF_TASKS, reading, running } from '../options/option-sets.ts';
import type {
  ApplyOptions,
  ImportOptions,
  PlanFileOptions,
  RunOptions,
  ShowOptions,
  VerifyOptions,
} from '../options/options.ts';
import type { Outline } from './outline.ts';

/** The commands that make the hosts as the inventory says, show beforehand what that would be, and prove it. */
export const applyCommands: readonly Outline[] = [
  {
    usage: 'apply [playbook]',
    about: 'probe, show the plan, apply it, and prove it',
    define: (command, { terminal, done }) => {
      divisible(running(common(command)))
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
            const { applyPlan } = await import('../commands/apply-plan.ts');
            return done(await applyPlan(options.plan, options, terminal));
          }
          if (playbook === undefined) throw new UsageFault('apply of what?', 'apply PLAYBOOK, or apply --plan FILE');
          const { runPlaybook } = await import('../commands/run-playbook.ts');
          done(await runPlaybook(options.check === true ? 'check' : 'apply', playbook, options, terminal));
        });
    },
  },
  {
    usage: 'check <playbook>',
    about: 'dry run with diffs; exit 2 when changes are pending',
    define: (command, { terminal, done }) => {
      divisible(running(common(command))).action(async (playbook: string, options: RunOptions) => {
        const { runPlaybook } = await import('../commands/run-playbook.ts');
        done(await runPlaybook('check', playbook, options, terminal));
      });
    },
  },
  {
    usage: 'plan <playbook>',
    about: 'a dry run whose plan goes into a file, to be approved',
    define: (command, { terminal, done }) => {
      divisible(running(common(command)))
        .requiredOption('--out <file>', 'the file of the plan; one that is there is not overwritten')
        .option('--not-before <time>', 'it may be applied from this time on: 2026-11-22T22:00, or with Z or +01:00')
        .option('--not-after <time>', 'it may be applied until this time')
        .option('--force', 'overwrite the file')
        .action(async (playbook: string, options: PlanFileOptions) => {
          const { plan } = await import('../commands/plan.ts');
          done(await plan(playbook, options, terminal));
        });
    },
  },
  {
    usage: 'show <what>',
    about: 'what is in the file of a plan, or what a run did',
    define: (command, { terminal, done }) => {
      reading(command, ['--diff', '--no-diff'])
        .addOption(new Option('--format <format>', 'for a ticket: markdown').choices(['human', 'markdown', 'json']))
        .action(async (what: string, options: ShowOptions) => {
          const { show } = await import('../commands/show.ts');
          done(await show(what, options, terminal));
        });
    },
  },
  {
    usage: 'verify [tunnels...]',
    about: 'prove that encrypted traffic flows, at both ends and on the wire',
    define: (command, { terminal, done }) => {
      divisible(looking(common(command, ['junit']), OF_TASKS))
        .option('--patience <seconds>', 'time for the first ping to come back, IKE included', count, 30)
        .option('--mtu', 'find the largest packet that passes')
        .option('--no-wire', 'do not watch the packets (tcpdump)')
        .action(async (tunnels: readonly string[], options: VerifyOptions) => {
          const { verify } = await import('../commands/verify.ts');
          done(await verify(tunnels, options, terminal));
        });
    },
  },
  {
    usage: 'import <hosts...>',
    about: 'read the tunnels that are on hosts already, and write them as an inventory',
    define: (command, { terminal, done }) => {
      looking(common(command), OF_TASKS)
        .option('--out <folder>', 'the folder of the new inventory (default: inventory, where there is none)')
        .option('--merge', 'add the tunnels that are new to the inventory that is there')
        .option('--plain-keys', 'write keys in plain text, where there is no vault password')
        .option('--encrypt-vault-id <label>', 'encrypt with the password of this vault id')
        .action(async (hosts: readonly string[], options: ImportOptions) => {
          const { importTunnels } = await import('../commands/import.ts');
          done(await importTunnels(hosts, options, terminal));
        });
    },
  },
];
