import { Secret } from '../model/secret.ts';
import { isPlainMapping } from './map-inner.ts';
import { TemplateFault } from './template-fault.ts';
import { Vaulted } from './vaulted.ts';

/** A value with all `!vault` values in it opened. Throws a {@link TemplateFault} when one does not open. */
export function opened(value: unknown): unknown {
  if (value instanceof Vaulted) return openedSecret(value);
  if (Array.isArray(value)) return holdsVault(value) ? value.map(opened) : value;
  if (!isPlainMapping(value) || !holdsVault(Object.values(value))) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, opened(inner)]));
}

/** What is encrypted in a `!vault` value. Throws a {@link TemplateFault} when it does not open. */
export function openedSecret(value: Vaulted): Secret {
  const outcome = value.open();
  if (outcome instanceof Secret) return outcome;
  throw new TemplateFault(outcome.code, `a !vault value cannot be opened: ${outcome.why}`, outcome.fix);
}

/** All `!vault` values in a value, at any depth. */
export function vaultsIn(value: unknown): readonly Vaulted[] {
  if (value instanceof Vaulted) return [value];
  if (Array.isArray(value)) return value.flatMap(vaultsIn);
  return isPlainMapping(value) ? Object.values(value).flatMap(vaultsIn) : [];
}

function holdsVault(values: readonly unknown[]): boolean {
  return values.some((value) => vaultsIn(value).length > 0);
}
