import { ipsecTools } from '../../compile/backends/ipsec-tools/index.ts';
import { compile } from '../../compile/compile.ts';
import { hostsOfPlays } from '../../compile/hosts.ts';
import { makeReport } from '../../compile/report.ts';
import type { Widened } from '../../compile/widen.ts';
import { FACT_NAMES } from '../../engine/facts.ts';
import { fileInventory, type InventoryFiles, remembered } from '../../inventory/files.ts';
import type { Inventory } from '../../inventory/inventory.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import { hostVariables, renderedVars } from '../../inventory/rendered-vars.ts';
import { readTunnels, type TunnelsRead } from '../../inventory/tunnels/read-tunnels.ts';
import { type Diagnostic, hasErrors } from '../../lang/diagnostic.ts';
import { formatDiagnostics } from '../../lang/format-diagnostics.ts';
import { checkSchema } from '../../lang/schema.ts';
import type { Source } from '../../lang/source.ts';
import type { OpenVault } from '../../lang/vaulted.ts';
import type { Variables } from '../../model/host.ts';
import { Secret } from '../../model/secret.ts';
import type { CompiledPlay } from '../../model/task.ts';
import type { Tunnel } from '../../model/tunnel.ts';
import { isUnopened, UNOPENED } from '../../model/unopened.ts';
import { rememberedSources, type SecretSources, secretSources } from '../../secrets/sources.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { CommonOptions } from '../options/options.ts';
import { withoutConsequences } from './consequences.ts';
import { EXTRA_VARS } from './extra-vars.ts';
import { openedSecrets } from './opened-secrets.ts';
import { type Input, readInput } from './read-input.ts';
import { type OwnShard, ownShard } from './shard.ts';
import { presentable } from './shown-diagnostics.ts';
import { namesVaultPassword, type VaultAccess, vaultAccess } from './vault.ts';

/** All that the user wrote, read and compiled. */
export interface Project {
  readonly inventory: Inventory;
  readonly tunnels: readonly Tunnel[];
  /** The mapping in tunnels.yml of the backend's own options, as written; null: there is none. */
  readonly backendOptions: unknown;
  readonly plays: readonly CompiledPlay[];
  /** Hosts of the plays that --limit does not name, and that are the other ends of tunnels of those that it does. */
  readonly widened: readonly Widened[];
  /** Of --shard; null: all hosts are worked on. */
  readonly shard: OwnShard | null;
  readonly extraVars: Variables;
  /** Every secret that was read, for the redactor. */
  readonly secrets: readonly Secret[];
  /** What was found in each place of tunnels.yml that holds a key. */
  readonly keys: TunnelsRead['keys'];
  readonly sources: ReadonlyMap<string, Source>;
  /** Every file that was read, as it is on the disk: what is encrypted is its ciphertext. */
  readonly texts: ReadonlyMap<string, string>;
}

/** What a command checks beside what all commands check, so that all mistakes are shown together. */
export type ProjectCheck = (project: Project) => readonly Diagnostic[] | Promise<readonly Diagnostic[]>;

/**
 * Which encrypted values a command needs: those of the hosts that it works on, all that it can read, or none, because it
 * only lists names. What is not needed stays closed, and wants no password. `connections`: the tunnels are not read at
 * all, for neither they nor the programs that print their keys are of use. `standing`: the keys of tunnels stay closed
 * where no vault password is named, for all but the keys can be looked at without.
 */
export type Needs = 'hosts' | 'all' | 'none' | 'connections' | 'standing';

/** What is read otherwise than it stands on the disk. */
export interface Overlay {
  /** Texts by the paths of the files that they stand for; those need not be there. */
  readonly texts: ReadonlyMap<string, string>;
  /** Tunnels by name whose SAs must not outlive a change of their keys. */
  readonly renewed: ReadonlySet<string>;
  /** What else must not be shown: the keys that go. */
  readonly secrets: readonly Secret[];
}

/**
 * Reads inventory, tunnels and playbook and compiles them, touching no host. Whatever is wrong is shown at once on
 * stderr; null when there are errors. Warnings are shown and do no harm.
 */
export async function loadProject(
  options: CommonOptions,
  playbook: string | undefined,
  terminal: Terminal,
  check?: ProjectCheck,
  needs?: Needs,
): Promise<Project | null> {
  const { project, diagnostics } = await readProject(options, playbook, terminal, check, needs);
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
  needs: Needs = 'hosts',
  source: InventoryFiles = fileInventory,
  overlay: Overlay | null = null,
): Promise<{ readonly project: Project; readonly diagnostics: readonly Diagnostic[] }> {
  const access = vaultAccess(options, terminal);
  const textOf = (path: string) => overlay?.texts.get(path) ?? source.read(path);
  const files = remembered({ ...source, read: textOf });
  const openAll = (envelopes: readonly string[]) => access.vault.openAll(envelopes);
  const secrets = rememberedSources({ ...secretSources({ env: terminal.env }), openAll });
  const read = () => readOnce(options, playbook, check, needs, { access, files, secrets, terminal, overlay });
  const first = await read();
  // Whether a password is wrong, or the text altered, is told apart by what else it opens: by now that is known.
  const isUnclear = first.diagnostics.some(({ code }) => code === 'vault-wrong-password');
  return isUnclear && access.vault.opened.length > 0 ? read() : first;
}

interface World {
  readonly access: VaultAccess;
  readonly files: ReturnType<typeof remembered>;
  readonly secrets: SecretSources;
  readonly terminal: Pick<Terminal, 'env'>;
  readonly overlay: Overlay | null;
}

async function readOnce(
  options: CommonOptions,
  playbook: string | undefined,
  check: ProjectCheck,
  needs: Needs,
  { access: { vault, faults }, files, secrets, terminal, overlay }: World,
): ReturnType<typeof readProject> {
  const value = needs === 'none' ? evenClosed(vault.open) : vault.open;
  const opening = { file: vault.open, value, settings: [ipsecTools.optionsKey] };
  const input = await vault.settled(() => readInput(options, playbook, files, opening));
  const { inventory, extraVars, loading } = input;
  if (needs === 'none')
    for (const [at, fault] of loading.diagnostics.entries()) loading.diagnostics[at] = leftOut(fault, input, playbook);

  const own = async ({ tunnels: all }: TunnelsRead) => {
    const { shard } = options;
    return shard === undefined ? null : vault.settled(() => ownShard(shard, input, all));
  };
  // Which keys are needed is known by the shard, and that by the tunnels.
  const closed = options.shard !== undefined && needs === 'hosts' && files.heldVault();
  const foreseen = closed ? await own(await vault.settled(() => tunnelsOf(input, secrets, () => false))) : null;
  const isInShard = foreseen?.own.has;
  const tunnels =
    needs === 'connections'
      ? NO_TUNNELS
      : await vault.settled(() => tunnelsOf(input, secrets, wanted(input, options, needs, terminal, isInShard)));
  const shard = await own(tunnels);
  const found: Diagnostic[] = [...loading.diagnostics, ...tunnels.diagnostics, ...(shard?.diagnostics ?? [])];
  if (inventory.tunnelsDocument !== null && tunnels.racoon !== null) {
    found.push(...checkSchema(ipsecTools.optionsSchema, inventory.tunnelsDocument, tunnels.racoon.at));
  }
  const compiled = await vault.settled(() => compilePlays(input, tunnels, options, overlay, shard?.own ?? null));
  const isTold = shard !== null && shard.diagnostics.length > 0;
  found.push(...compiled.diagnostics.filter(({ code }) => !isTold || code !== 'redundancy-group'));
  if (playbook === undefined) found.push(...ipsecTools.check(tunnels.tunnels));
  if (needs === 'hosts') refuseUnopened(compiled.plays, tunnels.tunnels);

  const project: Omit<Project, 'secrets'> = {
    inventory,
    tunnels: tunnels.tunnels,
    backendOptions: tunnels.racoon?.value ?? null,
    plays: compiled.plays,
    widened: compiled.widened,
    shard: shard?.own ?? null,
    extraVars,
    keys: tunnels.keys,
    sources: loading.sources,
    texts: textsOf(loading.sources.keys(), files),
  };
  found.push(...(await vault.settled(() => check({ ...project, secrets: tunnels.secrets }))));
  const missed = [...faults()];
  // What only the run will know may need to be opened then, when nobody can be asked any more.
  if (files.heldVault() && needs === 'hosts' && !hasErrors(found)) await vault.load();
  const opened = files.heldVault() ? openedSecrets(input, vault.opened) : [];
  const told = withoutConsequences(found, input, tunnels);
  return {
    project: { ...project, secrets: [...tunnels.secrets, ...opened, ...(overlay?.secrets ?? [])] },
    diagnostics: presentable([...told, ...missed], loading.sources, opened),
  };
}

function textsOf(names: Iterable<string>, files: World['files']): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const name of names) {
    // What stands in the command line is no file.
    const text = name === EXTRA_VARS ? undefined : files.read(name);
    if (text !== undefined) texts.set(name, text);
  }
  return texts;
}

/** For commands that show no values: without a password one stands for another. */
function evenClosed(open: OpenVault): OpenVault {
  return (envelope) => {
    const outcome = open(envelope);
    return outcome instanceof Secret || outcome.code !== 'vault-no-password' ? outcome : UNOPENED;
  };
}

/**
 * A command that only lists names goes on without the files that it has no password for. But there must be hosts; and
 * tasks, where it is they that are listed.
 */
function leftOut(fault: Diagnostic, { hostless }: Input, playbook: string | undefined): Diagnostic {
  const file = fault.span?.file ?? '';
  const isNeeded = hostless || (playbook !== undefined && (file === playbook || /(?:^|\/)tunnels\.ya?ml$/.test(file)));
  return fault.code === 'vault-no-password' && !isNeeded ? { ...fault, severity: 'warning' } : fault;
}

const NO_TUNNELS: TunnelsRead = { tunnels: [], racoon: null, secrets: [], keys: new Map(), diagnostics: [] };

function tunnelsOf(
  { inventory, extraVars }: Input,
  secrets: SecretSources,
  wants: (hosts: readonly string[]) => boolean,
): Promise<TunnelsRead> | TunnelsRead {
  if (inventory.tunnelsDocument === null) return NO_TUNNELS;
  return readTunnels(inventory.tunnelsDocument, inventory.hosts, {
    varsOf: ({ name }) => renderedVars(inventory, name, extraVars),
    spanOfVar: ({ name }, variable) => inventory.origins.get(name)?.get(variable),
    secrets,
    wants,
  });
}

/** Of which tunnels the encrypted keys are needed: of those with an end on a host that the command works on. */
function wanted(
  { inventory, playbook }: Input,
  options: CommonOptions,
  needs: Needs,
  { env }: Pick<Terminal, 'env'>,
  isInShard: (host: string) => boolean = () => true,
) {
  if (needs === 'standing') return () => namesVaultPassword(options, env);
  const { limit } = options;
  if (needs !== 'hosts') return () => needs === 'all';
  let chosen: ReadonlySet<string> | undefined;
  const choose = () => {
    if (playbook === null)
      return new Set(limit === undefined ? inventory.hosts.keys() : selectHosts(inventory, limit).hosts);
    return new Set(
      hostsOfPlays(playbook.plays, limit, (pattern) => selectHosts(inventory, pattern), makeReport()).flat(),
    );
  };
  return (hosts: readonly string[]) => {
    chosen ??= choose();
    return hosts.some((host) => chosen?.has(host) && isInShard(host));
  };
}

/** What stands for a key that was not opened must never get to a host, whatever else goes wrong. */
function refuseUnopened(plays: readonly CompiledPlay[], tunnels: readonly Tunnel[]): void {
  const closed = tunnels.filter(({ keying }) => {
    if (keying.method === 'psk') return isUnopened(keying.psk);
    if (keying.method === 'x509') return false;
    const keys = keying.sent.flatMap(({ ah, esp }) => [ah?.key, esp?.key, esp?.authenticationKey]);
    return keys.some((key) => key !== undefined && isUnopened(key));
  });
  if (closed.length === 0) return;
  const used = new Set(plays.flatMap((play) => play.hosts.flatMap(({ tasks }) => tasks.map(({ tunnel }) => tunnel))));
  const broken = closed.find(({ name }) => used.has(name));
  if (broken !== undefined) throw new Error(`the key of tunnel ${broken.name} is needed and was not opened`);
}

function compilePlays(
  { inventory, extraVars, playbook }: Input,
  tunnels: TunnelsRead,
  options: CommonOptions,
  overlay: Overlay | null,
  shard: OwnShard | null,
): ReturnType<typeof compile> {
  if (playbook === null) return { plays: [], widened: [], diagnostics: [] };
  return compile({
    plays: playbook.plays,
    select: (pattern) => selectHosts(inventory, pattern),
    tunnels: tunnels.tunnels,
    backendOptions: tunnels.racoon?.value ?? null,
    backend: ipsecTools,
    ...(overlay === null ? {} : { renewed: overlay.renewed }),
    registry: playbook.registry,
    factNames: FACT_NAMES,
    varsOf: (host) => hostVariables(inventory, host, extraVars),
    options: {
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      ...(shard === null ? {} : { isInShard: shard.has }),
      tags: options.tags,
      skipTags: options.skipTags,
      extraVars,
    },
  });
}
