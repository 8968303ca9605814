import { targetOf } from '../../inventory/connection.ts';
import { hostVariables } from '../../inventory/rendered-vars.ts';
import type { Diagnostic } from '../../lang/diagnostic.ts';
import { opened, renderVariable } from '../../lang/template.ts';
import type { Host, Target, Variables } from '../../model/host.ts';
import { Secret } from '../../model/secret.ts';
import { isUnopened } from '../../model/unopened.ts';
import { makeRedactor } from '../../secrets/redact.ts';
import type { Effective } from '../../transport/ssh-config/explain.ts';
import { ConnectFault } from '../../transport/transport.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { CommonOptions, RunOptions } from '../options/options.ts';
import type { Project } from '../project/load.ts';
import { sshConfigFor } from './ssh-config.ts';
import { overridesOf } from './targets.ts';

export interface ConnectionRows {
  readonly rows: readonly Effective[];
  readonly diagnostics: readonly Diagnostic[];
  /** Why the way to the host is not known. */
  readonly fault: ConnectFault | null;
}

/** How a host is reached, and where each part of it was said. `placeOf` tells it of a variable. */
export async function connectionRows(
  { inventory, extraVars }: Project,
  host: Host,
  options: CommonOptions & Partial<RunOptions>,
  terminal: Terminal,
  placeOf: (variable: string) => string,
): Promise<ConnectionRows> {
  const vars = hostVariables(inventory, host.name, extraVars);
  const become = vars.ansible_become === undefined ? options.become : undefined;
  const read = targetOf(host, vars, overridesOf(options, become), (name) =>
    inventory.origins.get(host.name)?.get(name),
  );
  const { target, diagnostics, variables, argumentVariables } = read;
  if (target === null) return { rows: [], diagnostics, fault: null };
  const from = (variable: string | undefined) => (variable === undefined ? undefined : placeOf(variable) || variable);
  const of = (field: keyof Target) => from(variables.get(field)) ?? OPTIONS[field];
  const common = [
    ...(target.become === undefined
      ? []
      : [
          {
            name: 'become',
            value: `${target.become.method} to ${target.become.user}`,
            from: of('become') ?? 'default',
          },
        ]),
  ];
  if (target.connection === 'local') {
    return {
      rows: [{ name: 'connection', value: 'local', from: of('connection') ?? 'default' }, ...common],
      diagnostics,
      fault: null,
    };
  }
  try {
    const rows = await sshConfigFor(options, terminal).explain(target, {
      of,
      ofArgument: (index) => from(argumentVariables[index]) ?? 'inventory',
    });
    const hide = hider(vars, new Set([...variables.values(), ...argumentVariables]));
    return { rows: [...rows, ...common].map(hide), diagnostics, fault: null };
  } catch (fault) {
    if (!(fault instanceof ConnectFault)) throw fault;
    return { rows: [], diagnostics, fault };
  }
}

/** Hides in a row what came from variables that are encrypted: a user's name may be among them. */
function hider(vars: Variables, names: ReadonlySet<string>): (row: Effective) => Effective {
  const redactor = makeRedactor();
  for (const name of names) {
    const value = opened(renderVariable(vars, name));
    if (value instanceof Secret && !isUnopened(value)) redactor.add(value);
  }
  const hide = (value: string | number | boolean) => redactor.redact(String(value));
  return (row) => {
    const { value } = row;
    if (Array.isArray(value)) return { ...row, value: value.map(hide) };
    const shown = hide(value as string | number | boolean);
    return shown === String(value) ? row : { ...row, value: shown };
  };
}

/** What said a field of the target, where no variable did. */
const OPTIONS: Partial<Readonly<Record<keyof Target, string>>> = {
  user: '--user',
  privateKeyFile: '--private-key',
  connectTimeout: '--timeout',
  become: '--become',
};
