import { fileInventory } from '../../inventory/files.ts';
import { type LoadedInventory, loadInventory } from '../../inventory/load-inventory.ts';
import { type Diagnostic, error, hasErrors } from '../../lang/diagnostic.ts';
import type { Located } from '../../lang/yaml.ts';
import type { Variables } from '../../model/host.ts';
import type { LazyVault } from '../../secrets/vault/lazy-vault.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { CommonOptions } from '../options/options.ts';
import { type ExtraVars, readExtraVars } from '../project/extra-vars.ts';
import { type VaultAccess, vaultAccess } from '../project/vault.ts';

/** tunnels.yml as it is now, to be edited, and what belongs to it. */
export interface TunnelsFile {
  readonly document: Located;
  /** As it is on the disk: of an encrypted file the ciphertext. */
  readonly text: string;
  readonly loaded: LoadedInventory;
  readonly extraVars: Variables;
  readonly vault: LazyVault;
}

export interface TunnelsFileRead {
  /** Null where it cannot be edited. */
  readonly tunnels: TunnelsFile | null;
  readonly loaded: LoadedInventory;
  readonly diagnostics: readonly Diagnostic[];
}

export async function readTunnelsFile(options: CommonOptions, terminal: Terminal): Promise<TunnelsFileRead> {
  const access = vaultAccess(options, terminal);
  const { loaded, extra, texts } = await readToEdit(options, access);
  const { vault, faults } = access;
  const document = loaded.inventory.tunnelsDocument;
  if (document === null) {
    const missing = error('rotate-no-tunnels', `there is no tunnels.yml in ${options.inventory}`, {
      fix: '-i with the folder that has one',
    });
    const found = hasErrors(loaded.diagnostics) ? loaded.diagnostics : [missing];
    return { tunnels: null, loaded, diagnostics: [...faults(), ...found] };
  }
  const wrong = [...extra.diagnostics, ...loaded.diagnostics].filter(({ severity }) => severity === 'error');
  const text = texts.get(document.source.file) ?? '';
  const tunnels = wrong.length > 0 ? null : { document, text, loaded, extraVars: extra.vars, vault };
  return { tunnels, loaded, diagnostics: [...faults(), ...wrong] };
}

/** An inventory that was read to be edited. */
export interface ReadToEdit {
  readonly loaded: LoadedInventory;
  readonly extra: ExtraVars;
  /** The text of each file, as it was when it was read: nothing else may be replaced. */
  readonly texts: ReadonlyMap<string, string>;
}

export async function readToEdit(
  { inventory, extraVars }: Pick<CommonOptions, 'inventory' | 'extraVars'>,
  { vault }: VaultAccess,
): Promise<ReadToEdit> {
  const texts = new Map<string, string>();
  const read = (path: string) => {
    const text = fileInventory.read(path);
    if (text !== undefined) texts.set(path, text);
    return text;
  };
  const opening = { file: vault.open, value: vault.open };
  const made = await vault.settled(() => ({
    loaded: loadInventory(inventory, { ...fileInventory, read }, { vault: opening }),
    extra: readExtraVars(extraVars, fileInventory, opening),
  }));
  return { ...made, texts };
}
