import type { ConnectionOverrides } from '../../inventory/connection.ts';
import { targetOf } from '../../inventory/connection.ts';
import { findHost, type Inventory } from '../../inventory/inventory.ts';
import { hostVariables } from '../../inventory/rendered-vars.ts';
import type { Diagnostic } from '../../lang/diagnostic.ts';
import type { Target, Variables } from '../../model/host.ts';
import { Secret } from '../../model/secret.ts';
import type { CompiledHost, CompiledPlay } from '../../model/task.ts';
import type { RunOptions } from '../options/options.ts';
import type { Project } from '../project/load.ts';

export interface Targets {
  /** How a host is reached in a play. */
  of(host: CompiledHost): Target;
  readonly diagnostics: readonly Diagnostic[];
  readonly secrets: readonly Secret[];
}

/**
 * What is wrong with the ways to the hosts: of the plays, or else, where no playbook is read, of the tunnels.
 * What will be asked for is not read from the inventory.
 */
export function connectionFaults(
  { plays, tunnels, inventory, extraVars }: Project,
  options: Partial<RunOptions>,
  playbook: boolean,
): readonly Diagnostic[] {
  const ends = tunnels.flatMap((tunnel) => tunnel.ends).filter(({ managed }) => managed);
  const hosts: readonly CompiledHost[] = playbook
    ? plays.flatMap((play) => play.hosts)
    : ends.map(({ host }) => ({ host, tasks: [], become: null }));
  const once = [...new Map(hosts.map((host) => [host.host, host])).values()];
  const becomePassword = options.askBecomePass === true ? new Secret('asked for') : null;
  const asked = { password: null, becomePassword };
  return targetsOf([{ hosts: once }], inventory, extraVars, options, asked).diagnostics;
}

/**
 * How each host of the plays is reached. As in Ansible a host's own `ansible_become…` goes before the play's `become`,
 * and that before `-b`; `-u`, `--private-key`, `-k` and `-K` go before the inventory, because somebody just typed them.
 */
export function targetsOf(
  plays: readonly Pick<CompiledPlay, 'hosts'>[],
  inventory: Inventory,
  extraVars: Variables,
  options: Partial<RunOptions>,
  asked: { readonly password: Secret | null; readonly becomePassword: Secret | null },
): Targets {
  const targets = new Map<CompiledHost, Target>();
  const diagnostics: Diagnostic[] = [];
  for (const compiled of plays.flatMap(({ hosts }) => hosts)) {
    const host = findHost(inventory, compiled.host);
    if (host === undefined) throw new Error(`host ${compiled.host} is in a play and not in the inventory`);
    const own = hostVariables(inventory, host.name, extraVars);
    const vars = compiled.becomeUser === undefined ? own : { ansible_become_user: compiled.becomeUser, ...own };
    const become = own.ansible_become === undefined ? (compiled.become ?? options.become) : undefined;
    const overrides: ConnectionOverrides = {
      ...overridesOf(options, become),
      ...(asked.becomePassword === null ? {} : { becomePassword: asked.becomePassword }),
    };
    const spanOf = (name: string) => inventory.origins.get(host.name)?.get(name);
    const { target, diagnostics: found } = targetOf(host, vars, overrides, spanOf);
    diagnostics.push(...found);
    if (target === null) continue;
    targets.set(compiled, {
      ...target,
      ...(asked.password === null ? {} : { password: asked.password }),
      ...(options.retries === undefined ? {} : { retries: options.retries }),
    });
  }
  return {
    of: (host) => {
      const target = targets.get(host);
      if (target === undefined) throw new Error(`no target for ${host.host}`);
      return target;
    },
    diagnostics,
    secrets: [...targets.values()]
      .flatMap(({ password, become }) => [password, become?.password])
      .filter((each) => each !== undefined),
  };
}

/** What the command line says of every host, but for passwords. */
export function overridesOf(options: Partial<RunOptions>, become: boolean | undefined): ConnectionOverrides {
  return {
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.privateKey === undefined ? {} : { privateKeyFile: options.privateKey }),
    ...(become === undefined ? {} : { become }),
    ...(options.timeout === undefined ? {} : { connectTimeout: options.timeout }),
  };
}
