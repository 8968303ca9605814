import { readFileSync, statSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { isVaultText } from '../../lang/vaulted.ts';
import { reveal, type Secret } from '../../model/secret.ts';
import { DEFAULT_ID, type Identity, passwordInFile, printedPassword, typedPassword } from './identities.ts';

/** Where one vault password comes from. */
export interface PasswordSource {
  readonly id: string;
  /** A file or program; null: somebody types it. */
  readonly path: string | null;
  /** Asked for by name (`--vault-id LABEL@prompt`), or just asked for (`-J`). */
  readonly named: boolean;
}

export interface PasswordOptions {
  /** `LABEL@SOURCE` or `SOURCE`; the source is a file, a program, or `prompt`. */
  readonly vaultId: readonly string[];
  readonly vaultPasswordFile: readonly string[];
  readonly askVaultPass?: boolean;
}

/** In Ansible's order, in which they are tried: the identity list, `--vault-id`, `--vault-password-file`, the variable, `-J`. */
export function passwordSources(
  { vaultId, vaultPasswordFile, askVaultPass }: PasswordOptions,
  env: Readonly<Record<string, string | undefined>>,
): readonly PasswordSource[] {
  const listed = (env.ANSIBLE_VAULT_IDENTITY_LIST ?? '').split(',').map((slug) => slug.trim());
  const files = [...vaultPasswordFile, env.ANSIBLE_VAULT_PASSWORD_FILE ?? ''].filter((path) => path !== '');
  return [
    ...[...listed.filter((slug) => slug !== ''), ...vaultId].map(namedSource),
    ...files.map((path) => ({ id: DEFAULT_ID, path, named: false })),
    ...(askVaultPass === true ? [{ id: DEFAULT_ID, path: null, named: false }] : []),
  ];
}

/** `LABEL@SOURCE` or `SOURCE`. */
export function namedSource(slug: string): PasswordSource {
  const at = slug.indexOf('@');
  const source = slug.slice(at + 1);
  const label = at > 0 ? slug.slice(0, at) : DEFAULT_ID;
  return { id: label, path: source === 'prompt' || source === 'prompt_ask_vault_pass' ? null : source, named: true };
}

/** What reading passwords needs of the world. */
export interface PasswordWorld {
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Asks for a line that is not echoed; null when nobody answers. */
  readonly ask: (question: string) => Promise<Secret | null>;
}

/** Why a source has no password, for people. */
export interface PasswordFault {
  readonly why: string;
  readonly fix: string;
}

export interface IdentitiesRead {
  readonly identities: readonly Identity[];
  readonly faults: readonly PasswordFault[];
}

/** Reads the sources one after the other. `fresh`: a password to encrypt with is asked for twice. */
export async function readIdentities(
  sources: readonly PasswordSource[],
  world: PasswordWorld,
  { fresh = false }: { readonly fresh?: boolean } = {},
): Promise<IdentitiesRead> {
  const identities: Identity[] = [];
  const faults: PasswordFault[] = [];
  const unknowing: PasswordFault[] = [];
  for (const source of sources) {
    const { id, path } = source;
    const read = path === null ? await askFor(source, world, fresh) : await passwordFrom(path, id, world);
    if (read === null) {
      const fix = `--vault-id ${id}@FILE, or an id that ${path} knows`;
      unknowing.push({ why: `${path} has no password for the vault id ${id}`, fix });
    } else if ('why' in read) faults.push(read);
    else identities.push({ id, password: read });
  }
  // As Ansible: a client that does not know an id is no fault as long as there is a password at all.
  return { identities, faults: identities.length > 0 ? faults : [...faults, ...unknowing] };
}

async function askFor(
  { id, named }: PasswordSource,
  { ask }: PasswordWorld,
  fresh: boolean,
): Promise<Secret | PasswordFault> {
  const questions = fresh
    ? named
      ? [`New vault password (${id}): `, `Confirm new vault password (${id}): `]
      : ['New Vault password: ', 'Confirm New Vault password: ']
    : [named ? `Vault password (${id}): ` : 'Vault password: '];
  const answers: Secret[] = [];
  for (const question of questions) {
    const answer = await ask(question);
    if (answer === null) {
      return { why: 'nobody is there to type the vault password', fix: '--vault-password-file FILE' };
    }
    answers.push(typedPassword(answer));
  }
  const [first, second] = answers as [Secret, Secret | undefined];
  if (second !== undefined && !first.equals(second))
    return { why: 'the two passwords differ', fix: 'the same one twice' };
  return reveal(first) === '' ? { why: 'the vault password is empty', fix: 'a password' } : first;
}

/** As Ansible: a file that may be executed is run. Null: the program has no password for this id. */
async function passwordFrom(path: string, id: string, world: PasswordWorld): Promise<Secret | PasswordFault | null> {
  const file = resolve(world.cwd, path.startsWith('~/') ? join(world.home, path.slice(2)) : path);
  const fault = (why: string, fix: string): PasswordFault => ({ why: `the vault password file ${path} ${why}`, fix });
  let password: Secret;
  try {
    if ((statSync(file).mode & 0o111) !== 0 && !statSync(file).isDirectory()) {
      const { isProgram, runPasswordProgram } = await import('./password-program.ts');
      if (!isProgram(file))
        return fault('may be executed, and is no program', 'chmod a-x; or #! as its first characters, for a script');
      const isClient = basename(file, extname(file)).endsWith('-client');
      const ran = await runPasswordProgram([file, ...(isClient ? ['--vault-id', id] : [])], world.env, isClient);
      if (ran === 'no such id') return null;
      if ('why' in ran) return fault(ran.why, 'one that prints the password; a file that is no program: chmod a-x');
      password = printedPassword(ran.stdout);
    } else password = passwordInFile(readFileSync(file));
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    return fault(
      UNREADABLE[code] ?? `cannot be read: ${code}`,
      'a file with the password in it, or a program that prints it',
    );
  }
  if (reveal(password) === '') return fault('holds no password', 'the password on its first line');
  if (isVaultText(reveal(password))) return fault('is itself encrypted', 'a file with the password in the clear');
  return password;
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'is not there',
  ENOTDIR: 'is not there',
  EACCES: 'may not be read by you',
  EISDIR: 'is a directory',
};
