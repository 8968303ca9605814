import { dirname, join } from 'node:path';
import { compiledModules, modules } from '../../../modules/index.ts';
import type { InventoryFiles } from '../../inventory/files.ts';
import type { Inventory } from '../../inventory/inventory.ts';
import { loadInventory } from '../../inventory/load-inventory.ts';
import { type Loading, readDocument, readVariableDocument, type VaultReading } from '../../inventory/read-document.ts';
import { hasErrors } from '../../lang/diagnostic.ts';
import type { Variables } from '../../model/host.ts';
import type { Play } from '../../playbook/play.ts';
import { readPlaybook } from '../../playbook/read-playbook.ts';
import { type ModuleRegistry, moduleRegistry } from '../../playbook/registry.ts';
import { withVarsFiles } from '../../playbook/vars-files.ts';
import type { CommonOptions } from '../options/options.ts';
import { readExtraVars } from './extra-vars.ts';

/** All files of the user's, read and parsed. */
export interface Input {
  readonly inventory: Inventory;
  readonly extraVars: Variables;
  /** Null without a playbook, or where nothing usable is in it. */
  readonly playbook: { readonly plays: readonly Play[]; readonly registry: ModuleRegistry } | null;
  readonly loading: Loading;
  /** There are no hosts, because they could not be read. */
  readonly hostless: boolean;
}

/** Reads inventory, extra variables, playbook and the files of variables that it names. */
export function readInput(
  options: CommonOptions,
  playbook: string | undefined,
  files: InventoryFiles,
  vault: VaultReading,
): Input {
  const extra = readExtraVars(options.extraVars, files, vault);
  const besides = playbook === undefined ? {} : { playbookDirectory: dirname(playbook) };
  const loaded = loadInventory(options.inventory, files, { ...besides, vault });
  const loading: Loading = {
    files,
    sources: new Map([...loaded.sources, ...extra.sources]),
    diagnostics: [...extra.diagnostics, ...loaded.diagnostics],
    vault,
  };
  return {
    inventory: loaded.inventory,
    extraVars: extra.vars,
    playbook: playbook === undefined ? null : readPlays(playbook, loading),
    loading,
    hostless: loaded.inventory.hosts.size === 0 && hasErrors(loaded.diagnostics),
  };
}

function readPlays(playbook: string, loading: Loading): Input['playbook'] {
  const document = readDocument(playbook, loading);
  if (document === null) return null;
  const registry = moduleRegistry([...modules, ...compiledModules]);
  const written = readPlaybook(document, registry);
  const read = withVarsFiles(written.plays, (path, from) => {
    const found: Loading = { ...loading, diagnostics: [] };
    const variables = readVariableDocument(join(dirname(from.file), path), found);
    // a file that is not there has no place of its own
    const placed = found.diagnostics.map((fault) => (fault.span === undefined ? { ...fault, span: from } : fault));
    return { document: variables, diagnostics: placed };
  });
  loading.diagnostics.push(...written.diagnostics, ...read.diagnostics);
  return { plays: read.plays, registry };
}
