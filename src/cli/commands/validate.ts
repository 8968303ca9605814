import { fileInventory } from '../../inventory/files.ts';
import { checkSecrets, strictly } from '../../inventory/secret-checks/secret-checks.ts';
import { hasErrors } from '../../lang/diagnostic.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { ValidateOptions } from '../options/options.ts';
import { readProject, showDiagnostics } from '../project/load.ts';
import { unopenedValues } from '../project/vault-checks.ts';
import { connectionFaults } from '../reach/targets.ts';

/** Reads everything, says what is wrong with it and what is unwise in its secrets, and touches no host. */
export async function validate(
  playbook: string | undefined,
  options: ValidateOptions,
  terminal: Terminal,
): Promise<number> {
  const { project, diagnostics: found } = await readProject(
    options,
    playbook,
    terminal,
    (read) => [
      ...connectionFaults(read, options, playbook !== undefined),
      ...unopenedValues(read),
      ...checkSecrets(read, fileInventory, terminal.cwd),
    ],
    'all',
  );
  const diagnostics = options.strict === true ? strictly(found) : found;
  const code = hasErrors(diagnostics) ? EXIT.input : EXIT.done;
  if (options.output !== 'human') {
    const document = { schema: 'ipsec-play/validate/1', exitCode: code, diagnostics };
    terminal.stdout(`${JSON.stringify(document, null, options.output === 'json' ? 2 : 0)}\n`);
    return code;
  }
  showDiagnostics(diagnostics, project.sources, options, terminal);
  if (code === EXIT.done) {
    const tasks = project.plays
      .flatMap(({ hosts }) => hosts.map((host) => host.tasks.length))
      .reduce((sum, count) => sum + count, 0);
    const counts = [
      count(project.inventory.hosts.size, 'host'),
      count(project.tunnels.length, 'tunnel'),
      ...(playbook === undefined ? [] : [count(tasks, 'task')]),
    ];
    terminal.stdout(`valid: ${counts.join(', ')}\n`);
  }
  return code;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
