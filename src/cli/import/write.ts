import { join } from 'node:path';
import type { Imported } from '../../compile/backends/backend.ts';
import { ipsecTools } from '../../compile/backends/ipsec-tools/index.ts';
import { tunnelsText, type WrittenSecret } from '../../inventory/tunnels/tunnels-text.ts';
import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import type { Located } from '../../lang/yaml.ts';
import { reveal, type Secret } from '../../model/secret.ts';
import type { Tunnel } from '../../model/tunnel.ts';
import { SealFault } from '../../secrets/vault/vault.ts';
import { sealAgain } from '../keys/seal-again.ts';
import { replaceFile } from '../machine/replace-file.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { ImportOptions } from '../options/options.ts';
import type { Project } from '../project/load.ts';
import { vaultAccess } from '../project/vault.ts';
import { folderOf, knownHostsOf, type NewFile, sitePlaybook, writeFiles } from './files.ts';
import type { Additions } from './merge.ts';

interface Outcome {
  readonly files: readonly string[];
  readonly faults: readonly Diagnostic[];
}

interface Written {
  readonly out: string;
  readonly keepsHosts: boolean;
  readonly hostsYaml: string;
  readonly tunnels: readonly Tunnel[];
  readonly imported: Imported;
  /** The folder or file that the hosts come from. */
  readonly source: string;
}

/** Writes a new inventory, or what of one is missing. */
export async function writeAll(
  { out, keepsHosts, hostsYaml, tunnels, imported, source }: Written,
  options: ImportOptions,
  terminal: Terminal,
): Promise<Outcome> {
  const sealed = await seal(tunnels, options, terminal);
  if ('faults' in sealed) return { files: [], faults: sealed.faults };
  const backend = imported.options && { key: ipsecTools.optionsKey, value: imported.options };
  const { text } = tunnelsText(tunnels, backend, writtenBy(sealed.keys));
  const ownOptions: readonly NewFile[] = keepsHosts
    ? [...imported.hostOptions].map(([host, value]) => ({
        path: join(out, 'host_vars', `${host}.yml`),
        text: `${ipsecTools.optionsKey}: ${JSON.stringify(value)}\n`,
        mode: 0o644,
      }))
    : [{ path: join(out, 'hosts.yml'), text: hostsYaml, mode: 0o644 }];
  const files = [
    ...ownOptions,
    { path: join(out, 'tunnels.yml'), text, mode: options.plainKeys === true ? 0o600 : 0o644 },
    ...(keepsHosts ? [] : knownHostsOf(folderOf(source), out)),
    ...sitePlaybook(out),
  ];
  const faults = writeFiles(files);
  return { files: faults.length > 0 ? [] : files.map(({ path }) => path), faults };
}

/** Adds tunnels to the tunnels.yml that is there; nothing else in it changes. */
export async function writeAdded(
  project: Project,
  document: Located,
  { tunnels, text }: Additions,
  options: ImportOptions,
  terminal: Terminal,
): Promise<Outcome> {
  if (tunnels.length === 0) return { files: [], faults: [] };
  const { file, sealed: isSealed } = document.source;
  const before = project.texts.get(file) ?? document.source.text;
  const sealed = isSealed === true ? { keys: new Map() } : await seal(tunnels, options, terminal);
  if ('faults' in sealed) return { files: [], faults: sealed.faults };
  const plain = text(writtenBy(sealed.keys));
  const after =
    isSealed === true ? await sealAgain(plain, before, vaultAccess(options, terminal).vault, options) : plain;
  // Others may have been allowed to read a file without keys in plain text.
  const isOpen = options.plainKeys === true && isSealed !== true;
  const fault = replaceFile(file, after, { before, ...(isOpen ? { mode: 0o600 } : {}) });
  if (fault === null) return { files: [file], faults: [] };
  return {
    files: [],
    faults: [error('import-not-written', `${file} was not written: ${fault.why}`, { fix: fault.fix })],
  };
}

function writtenBy(keys: ReadonlyMap<Secret, string>): WrittenSecret {
  return (secret) => {
    const vault = keys.get(secret);
    return vault === undefined ? { plain: reveal(secret) } : { vault };
  };
}

/** Each key encrypted; none with --plain-keys. What went wrong, and then nothing is written. */
async function seal(
  tunnels: readonly Tunnel[],
  options: ImportOptions,
  terminal: Terminal,
): Promise<{ readonly keys: ReadonlyMap<Secret, string> } | { readonly faults: readonly Diagnostic[] }> {
  const secrets = tunnels.flatMap(({ keying }): readonly Secret[] => {
    if (keying.method === 'psk') return [keying.psk];
    if (keying.method === 'x509') return [];
    return keying.sent
      .flatMap(({ ah, esp }) => [ah?.key, esp?.key, esp?.authenticationKey])
      .filter((key) => key !== undefined);
  });
  if (options.plainKeys === true || secrets.length === 0) return { keys: new Map() };
  const { vault, faults } = vaultAccess(options, terminal, { fresh: true });
  try {
    const sealed = new Map<Secret, string>();
    for (const secret of new Set(secrets)) sealed.set(secret, await vault.seal(secret, options.encryptVaultId));
    return { keys: sealed };
  } catch (fault) {
    if (!(fault instanceof SealFault)) throw fault;
    if (faults().length > 0) return { faults: faults() };
    const fix = `${fault.fix}; or --plain-keys, to have them in plain text in a file for you alone`;
    const why = `the keys cannot be encrypted, so nothing is written: ${fault.message}`;
    const found =
      options.encryptVaultId === undefined
        ? error('vault-no-password', why, { fix })
        : error('vault-unknown-id', why, { fix: fault.fix });
    return { faults: [found] };
  }
}
