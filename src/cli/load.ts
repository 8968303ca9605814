import { dirname, join } from 'node:path';
import { compiledModules, modules } from '../../modules/index.ts';
import { ipsecTools } from '../compile/backends/ipsec-tools/index.ts';
import { compile } from '../compile/compile.ts';
import { FACT_NAMES } from '../engine/facts.ts';
import { fileInventory } from '../inventory/files.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { loadInventory } from '../inventory/load-inventory.ts';
import { selectHosts } from '../inventory/pattern.ts';
import { type Loading, readDocument } from '../inventory/read-document.ts';
import { hostVariables, renderedVars } from '../inventory/rendered-vars.ts';
import { readTunnels, type TunnelsRead } from '../inventory/tunnels/read-tunnels.ts';
import { type Diagnostic, hasErrors } from '../lang/diagnostic.ts';
import { formatDiagnostics } from '../lang/format-diagnostics.ts';
import { checkSchema } from '../lang/schema.ts';
import type { Source } from '../lang/source.ts';
import type { Located } from '../lang/yaml.ts';
import type { Variables } from '../model/host.ts';
import type { Secret } from '../model/secret.ts';
import type { CompiledPlay } from '../model/task.ts';
import type { Tunnel } from '../model/tunnel.ts';
import { readPlaybook } from '../playbook/read-playbook.ts';
import { moduleRegistry } from '../playbook/registry.ts';
import { withVarsFiles } from '../playbook/vars-files.ts';
import { secretSources } from '../secrets/sources.ts';
import { readExtraVars } from './extra-vars.ts';
import type { CommonOptions } from './options.ts';
import type { Terminal } from './terminal.ts';

/** All that the user wrote, read and compiled. */
export interface Project {
  readonly inventory: Inventory;
  readonly tunnels: readonly Tunnel[];
  readonly plays: readonly CompiledPlay[];
  readonly extraVars: Variables;
  /** Every secret that was read, for the redactor. */
  readonly secrets: readonly Secret[];
  readonly sources: ReadonlyMap<string, Source>;
}

/** What a command checks beside what all commands check, so that all mistakes are shown together. */
export type ProjectCheck = (project: Project) => readonly Diagnostic[];

/**
 * Reads inventory, tunnels and playbook and compiles them, touching no host. Whatever is wrong is shown at once on
 * stderr; null when there are errors. Warnings are shown and do no harm.
 */
export async function loadProject(
  options: CommonOptions,
  playbook: string | undefined,
  terminal: Terminal,
  check?: ProjectCheck,
): Promise<Project | null> {
  const { project, diagnostics } = await readProject(options, playbook, terminal, check);
  showDiagnostics(diagnostics, project.sources, options, terminal);
  return hasErrors(diagnostics) ? null : project;
}

export function showDiagnostics(
  diagnostics: readonly Diagnostic[],
  sources: ReadonlyMap<string, Source>,
  options: CommonOptions,
  terminal: Terminal,
): void {
  if (diagnostics.length === 0) return;
  terminal.stderr(formatDiagnostics(diagnostics, sources, { color: terminal.color.stderr && options.color }));
}

export async function readProject(
  options: CommonOptions,
  playbook: string | undefined,
  terminal: Terminal,
  check: ProjectCheck = () => [],
): Promise<{ readonly project: Project; readonly diagnostics: readonly Diagnostic[] }> {
  const extra = readExtraVars(options.extraVars, fileInventory);
  const loaded = loadInventory(
    options.inventory,
    fileInventory,
    playbook === undefined ? {} : { playbookDirectory: dirname(playbook) },
  );
  const { inventory } = loaded;
  const loading: Loading = {
    files: fileInventory,
    sources: new Map([...loaded.sources, ...extra.sources]),
    diagnostics: [...extra.diagnostics, ...loaded.diagnostics],
  };
  const tunnels = await tunnelsOf(inventory, extra.vars, terminal);
  loading.diagnostics.push(...tunnels.diagnostics);
  if (inventory.tunnelsDocument !== null && tunnels.racoon !== null) {
    loading.diagnostics.push(...checkSchema(ipsecTools.optionsSchema, inventory.tunnelsDocument, tunnels.racoon.at));
  }

  const document = playbook === undefined ? null : readDocument(playbook, loading);
  const plays =
    document === null ? [] : compilePlays(document, { inventory, tunnels, loading, extra: extra.vars, options });
  if (playbook === undefined) loading.diagnostics.push(...ipsecTools.check(tunnels.tunnels));
  const project: Project = {
    inventory,
    tunnels: tunnels.tunnels,
    plays,
    extraVars: extra.vars,
    secrets: tunnels.secrets,
    sources: loading.sources,
  };
  const diagnostics = [...loading.diagnostics, ...check(project)];
  // Without any host, because they could not be read, every name of a host would be reported too.
  const hostless = inventory.hosts.size === 0 && hasErrors(loaded.diagnostics);
  return { project, diagnostics: hostless ? diagnostics.filter(({ code }) => !NAMES_HOSTS.has(code)) : diagnostics };
}

/** What is said of a host, or of a pattern, that the inventory does not have. */
const NAMES_HOSTS = new Set(['end-unknown', 'pattern-no-match', 'pattern-no-hosts']);

async function tunnelsOf(inventory: Inventory, extraVars: Variables, terminal: Terminal): Promise<TunnelsRead> {
  if (inventory.tunnelsDocument === null) return { tunnels: [], racoon: null, secrets: [], diagnostics: [] };
  return readTunnels(inventory.tunnelsDocument, inventory.hosts, {
    varsOf: ({ name }) => renderedVars(inventory, name, extraVars),
    spanOfVar: ({ name }, variable) => inventory.origins.get(name)?.get(variable),
    secrets: secretSources({ env: terminal.env }),
  });
}

interface Reading {
  readonly inventory: Inventory;
  readonly tunnels: TunnelsRead;
  readonly loading: Loading;
  readonly extra: Variables;
  readonly options: CommonOptions;
}

function compilePlays(
  document: Located,
  { inventory, tunnels, loading, extra, options }: Reading,
): readonly CompiledPlay[] {
  const registry = moduleRegistry([...modules, ...compiledModules]);
  const written = readPlaybook(document, registry);
  const read = withVarsFiles(written.plays, (path, from) => {
    const found: Loading = { ...loading, diagnostics: [] };
    const document = readDocument(join(dirname(from.file), path), found);
    // a file that is not there has no place of its own
    const placed = found.diagnostics.map((fault) => (fault.span === undefined ? { ...fault, span: from } : fault));
    return { document, diagnostics: placed };
  });
  loading.diagnostics.push(...written.diagnostics, ...read.diagnostics);
  const compiled = compile({
    plays: read.plays,
    select: (pattern) => selectHosts(inventory, pattern),
    tunnels: tunnels.tunnels,
    backendOptions: tunnels.racoon?.value ?? null,
    backend: ipsecTools,
    registry,
    factNames: FACT_NAMES,
    varsOf: (host) => hostVariables(inventory, host, extra),
    options: {
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      tags: options.tags,
      skipTags: options.skipTags,
      extraVars: extra,
    },
  });
  loading.diagnostics.push(...compiled.diagnostics);
  return compiled.plays;
}
