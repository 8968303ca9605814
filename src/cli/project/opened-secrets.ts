import { secretsIn } from '../../lang/sealed-variables.ts';
import { SecretTemplate } from '../../lang/secret-template.ts';
import { reveal, type Secret } from '../../model/secret.ts';
import type { Input } from './read-input.ts';

/**
 * What was opened, for the redactor: whole texts, and each value of the files of variables that are encrypted. Names of
 * hosts and groups may stand among those values, and short words: they would riddle every message.
 */
export function openedSecrets({ inventory, extraVars, playbook }: Input, opened: readonly Secret[]): readonly Secret[] {
  const names = new Set([...inventory.hosts.keys(), ...inventory.groups.keys()]);
  const hosts = [...inventory.hosts.values(), inventory.implicitLocalhost];
  const values = [...hosts.map(({ vars }) => vars), extraVars, ...(playbook?.plays ?? []).map(({ vars }) => vars)];
  const texts = new Map<string, Secret>();
  for (const secret of values.flatMap(secretsIn)) {
    const text = reveal(secret);
    if (secret instanceof SecretTemplate || text.length < SHORTEST || names.has(text)) continue;
    texts.set(text, secret);
  }
  return [...opened, ...texts.values()];
}

const SHORTEST = 4;
