import { dirname, isAbsolute, join } from 'node:path';
import { type Diagnostic, error } from '../lang/diagnostic.ts';
import { isVaultText, type VaultFault } from '../lang/vaulted.ts';
import type { Located } from '../lang/yaml.ts';
import { reveal, Secret } from '../model/secret.ts';
import { type SecretSpec, vaultOf } from './secret-spec.ts';
import type { SecretFault, SecretSources } from './sources.ts';

/**
 * Fetches secrets, all at once and each distinct source once. What could not be had is missing from `secrets` and
 * stands in `diagnostics`. A derived secret is its master here: only the caller knows the pairs.
 */
export async function resolveSecrets(
  specs: readonly SecretSpec[],
  document: Located,
  sources: SecretSources,
): Promise<{ readonly secrets: ReadonlyMap<SecretSpec, Secret>; readonly diagnostics: readonly Diagnostic[] }> {
  const folder = dirname(document.source.file);
  await sources.openAll?.(specs.flatMap((spec) => vaultOf(spec)?.ciphertext ?? []));
  const fetched = new Map<string, Promise<string | SecretFault>>();
  const fetchOnce = (spec: SecretSpec): Promise<string | SecretFault> => {
    const id = identity(spec, folder);
    const running = fetched.get(id) ?? fetchSecret(spec, folder, sources);
    fetched.set(id, running);
    return running;
  };
  const outcomes = await Promise.all(
    specs.map(async (spec) => {
      const origin = spec.kind === 'derive' ? spec.master : spec;
      return { spec, origin, outcome: await textOf(origin, fetchOnce) };
    }),
  );
  const secrets = new Map<SecretSpec, Secret>();
  const diagnostics: Diagnostic[] = [];
  for (const { spec, origin, outcome } of outcomes) {
    if (typeof outcome !== 'string') {
      diagnostics.push('code' in outcome ? sealed(origin, outcome, document) : unavailable(origin, outcome, document));
    } else if (outcome.trim() === '') diagnostics.push(empty(origin, document));
    else if (isVaultText(outcome.trim())) diagnostics.push(stillEncrypted(origin, document));
    else secrets.set(spec, new Secret(outcome));
  }
  return { secrets, diagnostics };
}

async function textOf(
  spec: SecretSpec,
  fetchOnce: (spec: SecretSpec) => Promise<string | SecretFault>,
): Promise<string | SecretFault | VaultFault> {
  if (spec.kind === 'text') return reveal(spec.text);
  if (spec.kind !== 'vault') return fetchOnce(spec);
  const plain = spec.value.open();
  // `echo KEY | ansible-vault encrypt_string` encrypts the end of the line too
  return plain instanceof Secret ? withoutNewline(reveal(plain)) : plain;
}

function sealed({ pointer }: SecretSpec, { code, why, fix }: VaultFault, document: Located): Diagnostic {
  return error(code, `this secret is encrypted and cannot be opened: ${why}`, { span: document.span(pointer), fix });
}

async function fetchSecret(spec: SecretSpec, folder: string, sources: SecretSources): Promise<string | SecretFault> {
  if (spec.kind === 'env') return sources.env(spec.name) ?? { fault: 'missing', why: 'it is not set' };
  if (spec.kind === 'file') return withoutNewline(sources.file(inFolder(spec.path, folder)));
  if (spec.kind === 'command') return withoutNewline(await sources.command(spec.argv));
  return { fault: 'failed', why: 'a derived secret cannot be the master of another' };
}

/** Drops the one newline that editors and commands put at the end. */
function withoutNewline<T>(text: string | T): string | T {
  return typeof text === 'string' ? text.replace(/\r?\n$/, '') : text;
}

function inFolder(path: string, folder: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

function identity(spec: SecretSpec, folder: string): string {
  if (spec.kind === 'env') return `env ${spec.name}`;
  if (spec.kind === 'file') return `file ${inFolder(spec.path, folder)}`;
  return spec.kind === 'command' ? `command ${JSON.stringify(spec.argv)}` : spec.kind;
}

function unavailable(spec: SecretSpec, fault: SecretFault, document: Located): Diagnostic {
  const fix = remedy(spec, fault);
  return error(`secret-${spec.kind}`, `${describe(spec)} cannot be had: ${fault.why}`, {
    span: document.span(spec.pointer),
    ...(fix === undefined ? {} : { fix }),
  });
}

function empty(spec: SecretSpec, document: Located): Diagnostic {
  const message = spec.kind === 'text' ? 'this secret is empty' : `${describe(spec)} holds an empty secret`;
  const fix =
    spec.kind === 'text'
      ? 'the secret, or where it comes from: { env: NAME } or { file: PATH }'
      : 'put the secret there';
  return error('secret-empty', message, { span: document.span(spec.pointer), fix });
}

/** As it stands it would be the key, on both ends: a key that anybody can read who sees the file. */
function stillEncrypted(spec: SecretSpec, document: Located): Diagnostic {
  const isHere = spec.kind === 'text' || spec.kind === 'vault';
  const message = isHere
    ? 'this is a text of Ansible Vault, and not a key: it lacks its tag'
    : `${describe(spec)} holds a text of Ansible Vault, and not a key`;
  const fix = isHere ? '!vault before it' : '!vault | and the lines of this text, in place of where it comes from';
  return error('secret-encrypted', message, { span: document.span(spec.pointer), fix });
}

function describe(spec: SecretSpec): string {
  if (spec.kind === 'env') return `the environment variable ${spec.name}`;
  if (spec.kind === 'file') return `the file ${spec.path}`;
  return spec.kind === 'command' ? `the output of the command ${spec.argv[0]}` : 'the secret';
}

function remedy(spec: SecretSpec, { fault }: SecretFault): string | undefined {
  if (spec.kind === 'env') return `export ${spec.name}=... before`;
  if (spec.kind === 'file' && fault === 'missing') return 'a path counts from the folder of this YAML file';
  if (spec.kind === 'command' && fault === 'not-found') return 'a list of program and arguments; no shell reads it';
  return undefined;
}
