import { isVaultText } from '../../lang/vaulted.ts';
import { reveal, Secret } from '../../model/secret.ts';
import { DEFAULT_ID, type Identity } from '../../secrets/vault/identities.ts';
import { type KeyedVault, makeVault } from '../../secrets/vault/open-vault.ts';
import { SealFault } from '../../secrets/vault/vault.ts';
import { EXIT, UsageFault } from '../exit.ts';
import { replaceFile } from '../machine/replace-file.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { VaultCommandOptions } from '../options/options.ts';
import { keep, readTexts, rewrite, STREAM, type TextFile, writeText } from './vault-files.ts';
import { encryptingIdentity, knownIdentities, newIdentity } from './vault-passwords.ts';

/** Encrypts files in their place, or one to `--output`; stdin to stdout. */
export async function vaultEncrypt(
  names: readonly string[],
  options: VaultCommandOptions,
  terminal: Terminal,
): Promise<number> {
  oneOutput(names, options);
  hintStdin(names, 'plaintext', terminal);
  const files = await readTexts(orStream(names), terminal);
  const fault = all(files, terminal, ({ text }) => (isVaultText(text) ? 'it is encrypted already' : undefined));
  if (fault) return EXIT.input;
  const identity = await encryptingIdentity(options, terminal);
  const sealed = await Promise.all(files.map(({ text }) => seal(new Secret(text), identity)));
  files.forEach((file, index) => {
    put(file, sealed[index] as string, options, terminal);
  });
  return succeeded('Encryption', terminal);
}

/** Decrypts files in their place, or one to `--output`; stdin to stdout. Only their owner may read the outcome. */
export async function vaultDecrypt(
  names: readonly string[],
  options: VaultCommandOptions,
  terminal: Terminal,
): Promise<number> {
  oneOutput(names, options);
  hintStdin(names, 'ciphertext', terminal);
  const opened = await openFiles(orStream(names), options, terminal);
  if (opened === null) return EXIT.input;
  for (const { file, plain } of opened.texts) put(file, reveal(plain), options, terminal, 0o600);
  return succeeded('Decryption', terminal);
}

/** Shows what is in encrypted files. */
export async function vaultView(
  names: readonly string[],
  options: VaultCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const opened = await openFiles(names, options, terminal);
  if (opened === null) return EXIT.input;
  for (const { plain } of opened.texts) terminal.stdout(reveal(plain));
  return EXIT.done;
}

/** Encrypts files with another password. Nothing is replaced before all of it was proven to open again. */
export async function vaultRekey(
  names: readonly string[],
  options: VaultCommandOptions,
  terminal: Terminal,
): Promise<number> {
  if (names.includes(STREAM)) throw new UsageFault('rekey works on files alone', 'FILE');
  const opened = await openFiles(names, options, terminal);
  if (opened === null) return EXIT.input;
  const identity = await newIdentity(options, opened.identities, terminal);
  const sealed = await Promise.all(opened.texts.map(({ plain }) => seal(plain, identity)));
  opened.texts.forEach(({ file }, index) => {
    rewrite(file, sealed[index] as string, terminal);
  });
  terminal.stderr('Rekey successful\n');
  return EXIT.done;
}

/** Opens encrypted files in an editor, one after the other, and encrypts what changed with the same id and password. */
export async function vaultEdit(
  names: readonly string[],
  options: VaultCommandOptions,
  terminal: Terminal,
): Promise<number> {
  if (names.includes(STREAM)) throw new UsageFault('edit works on files alone', 'FILE');
  const opened = await openFiles(names, options, terminal);
  if (opened === null) return EXIT.input;
  const { editText } = await import('./vault-edit.ts');
  for (const { file, plain, identity } of opened.texts) {
    const edited = await editText(plain, file.name, terminal);
    if (edited.equals(plain) || file.path === null) continue;
    const sealed = await seal(edited, identity);
    const fault = replaceFile(file.path, sealed, { before: file.text });
    if (fault !== null) {
      const kept = keep(file.path, sealed);
      throw new UsageFault(`nothing was written to ${file.name}: ${fault.why}; your text is in ${kept}, encrypted`);
    }
  }
  return EXIT.done;
}

interface OpenedFiles {
  readonly identities: readonly Identity[];
  readonly texts: readonly {
    readonly file: TextFile;
    readonly plain: Secret;
    /** The password that opened it, under the id in its header. */
    readonly identity: Identity;
  }[];
}

/** Reads and opens all files; null, and a message for each, when one of them does not open. */
async function openFiles(
  names: readonly string[],
  options: VaultCommandOptions,
  terminal: Terminal,
): Promise<OpenedFiles | null> {
  const files = await readTexts(names, terminal);
  if (all(files, terminal, ({ text }) => (isVaultText(text) ? undefined : 'it is not encrypted'))) return null;
  const identities = await knownIdentities(options, terminal);
  const vault = await makeVault(identities);
  await vault.openAll(files.map(({ text }) => text));
  const texts = files.flatMap((file) => {
    const plain = vault.open(file.text);
    return plain instanceof Secret ? [{ file, plain, identity: identityOf(file.text, vault) }] : [];
  });
  const faulty = all(files, terminal, ({ text }) => {
    const outcome = vault.open(text);
    return outcome instanceof Secret ? undefined : `${outcome.why}\n  write: ${outcome.fix}`;
  });
  return faulty ? null : { identities, texts };
}

function identityOf(envelope: string, vault: KeyedVault): Identity {
  const identity = vault.identityOf(envelope);
  if (identity === null) throw new Error('a text was opened by no password');
  return { ...identity, id: vault.idOf(envelope) ?? DEFAULT_ID };
}

/** Encrypts a text, and proves that it opens again. */
export async function seal(plain: Secret, identity: Identity): Promise<string> {
  const vault = await makeVault([identity]);
  const sealed = await vault.sealAs(plain, identity).catch((fault: unknown) => {
    throw fault instanceof SealFault ? new UsageFault(fault.message, fault.fix) : fault;
  });
  const again = vault.open(`${sealed}\n`);
  if (!(again instanceof Secret) || !again.equals(plain)) throw new Error('what was encrypted does not open again');
  return `${sealed}\n`;
}

/** Tells what is wrong with each of the files; true when anything is. */
function all(files: readonly TextFile[], terminal: Terminal, faultOf: (file: TextFile) => string | undefined): boolean {
  const faults = files.flatMap((file) => {
    const fault = faultOf(file);
    return fault === undefined ? [] : [`ipsec-play: ${file.path === null ? 'stdin' : file.name}: ${fault}\n`];
  });
  for (const fault of faults) terminal.stderr(fault);
  if (faults.length > 0 && files.length > 1) terminal.stderr('No file was changed.\n');
  return faults.length > 0;
}

function put(file: TextFile, text: string, { output }: VaultCommandOptions, terminal: Terminal, mode?: number): void {
  if (output === undefined) rewrite(file, text, terminal, mode);
  else writeText(output, text, terminal, mode);
}

function oneOutput(names: readonly string[], { output }: VaultCommandOptions): void {
  if (output !== undefined && names.length > 1) throw new UsageFault('--output takes one FILE only', 'one FILE');
}

function orStream(names: readonly string[]): readonly string[] {
  return names.length > 0 ? names : [STREAM];
}

function hintStdin(names: readonly string[], what: string, terminal: Terminal): void {
  if (terminal.interactive && orStream(names).includes(STREAM)) terminal.stderr(`Reading ${what} from stdin\n`);
}

function succeeded(what: string, terminal: Terminal): number {
  if (terminal.interactive) terminal.stderr(`${what} successful\n`);
  return EXIT.done;
}
