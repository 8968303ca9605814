import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { vaultsIn } from '../../lang/template.ts';
import { Secret } from '../../model/secret.ts';
import type { Project } from './load.ts';

/**
 * Every `!vault` value of the inventory that the given passwords do not open, needed or not. Without any password,
 * those that nobody needs are no mistake.
 */
export function unopenedValues({ inventory, extraVars }: Project): readonly Diagnostic[] {
  const seen = new Set<string>();
  const found: Diagnostic[] = [];
  const look = (
    vars: Readonly<Record<string, unknown>>,
    origins: ReadonlyMap<string, Diagnostic['span']> | undefined,
  ) => {
    for (const [name, value] of Object.entries(vars)) {
      for (const sealed of vaultsIn(value)) {
        const outcome = sealed.open();
        if (seen.has(sealed.ciphertext)) continue;
        seen.add(sealed.ciphertext);
        if (outcome instanceof Secret || outcome.code === 'vault-no-password') continue;
        const span = origins?.get(name);
        const place = span === undefined ? {} : { span };
        const message = `the variable ${name} is encrypted and cannot be opened: ${outcome.why}`;
        found.push(error(outcome.code, message, { ...place, fix: outcome.fix }));
      }
    }
  };
  look(extraVars, undefined);
  for (const { name, vars } of inventory.hosts.values()) look(vars, inventory.origins.get(name));
  return found;
}
