import type { Diagnostic } from '../../lang/diagnostic.ts';
import type { Secret } from '../../model/secret.ts';
import type { Tunnel } from '../../model/tunnel.ts';
import type { SecretSpec } from '../../secrets/secret-spec.ts';
import type { InventoryFiles } from '../files.ts';
import type { Inventory } from '../inventory.ts';
import { plaintextSecrets } from './plaintext.ts';
import { sharedPsks } from './shared.ts';
import { weakSecrets } from './weak.ts';
import { workTrees } from './work-tree.ts';

/** What there is to warn of in the secrets of an inventory: in plain text where others see it, weak, shared. */
export function checkSecrets(
  read: {
    readonly inventory: Inventory;
    readonly tunnels: readonly Tunnel[];
    /** What was found in each place of tunnels.yml. */
    readonly keys: ReadonlyMap<SecretSpec, Secret>;
  },
  files: InventoryFiles,
  cwd: string,
): readonly Diagnostic[] {
  const { inventory, tunnels, keys } = read;
  const document = inventory.tunnelsDocument;
  return [
    ...plaintextSecrets(inventory, workTrees(files, cwd)),
    ...(document === null ? [] : weakSecrets(keys, document)),
    ...sharedPsks(tunnels),
  ];
}

/** The same with every warning an error, for `--strict`. */
export function strictly(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.map((diagnostic) => ({ ...diagnostic, severity: 'error' }));
}
