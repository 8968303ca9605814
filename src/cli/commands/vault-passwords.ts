import type { Identity } from '../../secrets/vault/identities.ts';
import { DEFAULT_ID } from '../../secrets/vault/identities.ts';
import {
  namedSource,
  type PasswordSource,
  passwordSources,
  readIdentities,
} from '../../secrets/vault/password-sources.ts';
import { UsageFault } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { VaultCommandOptions } from '../options/options.ts';
import { passwordWorld } from '../project/vault.ts';

/** The given passwords; where none is given, it is asked for. */
export function knownIdentities(options: VaultCommandOptions, terminal: Terminal): Promise<readonly Identity[]> {
  return read(orAsked(passwordSources(options, terminal.env)), terminal, false);
}

/** The password to encrypt with: the only one, or the one that is named. One that is typed is typed twice. */
export async function encryptingIdentity(options: VaultCommandOptions, terminal: Terminal): Promise<Identity> {
  const identities = await read(orAsked(passwordSources(options, terminal.env)), terminal, true);
  const id = encryptId(options, terminal);
  if (id !== undefined) return named(identities, id);
  const [first, ...others] = identities;
  if (first === undefined) throw new UsageFault('no vault password is given', '--vault-password-file FILE, or -J');
  if (others.every((other) => other.id === first.id && other.password.equals(first.password))) return first;
  throw new UsageFault(
    `there are several vault passwords to encrypt with: ${identities.map((each) => each.id).join(', ')}`,
    '--encrypt-vault-id LABEL',
  );
}

/** What `rekey` encrypts with: the new password, or one of those that were given. */
export async function newIdentity(
  options: VaultCommandOptions,
  known: readonly Identity[],
  terminal: Terminal,
): Promise<Identity> {
  const { newVaultId, newVaultPasswordFile } = options;
  if (newVaultId !== undefined && newVaultPasswordFile !== undefined) {
    throw new UsageFault('--new-vault-id and --new-vault-password-file exclude each other', 'one of both');
  }
  const id = encryptId(options, terminal);
  if (newVaultId === undefined && newVaultPasswordFile === undefined && id !== undefined) return named(known, id);
  const source =
    newVaultId === undefined
      ? { id: DEFAULT_ID, path: newVaultPasswordFile ?? null, named: false }
      : namedSource(newVaultId);
  const [identity] = await read([source], terminal, true);
  if (identity === undefined) {
    throw new UsageFault(`there is no password for the vault id ${source.id}`, '--new-vault-id LABEL@FILE');
  }
  return identity;
}

function encryptId({ encryptVaultId }: VaultCommandOptions, { env }: Terminal): string | undefined {
  return encryptVaultId ?? (env.ANSIBLE_VAULT_ENCRYPT_IDENTITY || undefined);
}

function named(identities: readonly Identity[], id: string): Identity {
  const identity = identities.find((each) => each.id === id);
  if (identity !== undefined) return identity;
  const known = identities.map((each) => each.id).join(', ');
  throw new UsageFault(`there is no vault password with the id ${id}; given are: ${known}`, `--vault-id ${id}@FILE`);
}

function orAsked(sources: readonly PasswordSource[]): readonly PasswordSource[] {
  return sources.length > 0 ? sources : [{ id: DEFAULT_ID, path: null, named: false }];
}

async function read(
  sources: readonly PasswordSource[],
  terminal: Terminal,
  fresh: boolean,
): Promise<readonly Identity[]> {
  const { identities, faults } = await readIdentities(sources, passwordWorld(terminal), { fresh });
  const [first] = faults;
  if (identities.length === 0 && first !== undefined) throw new UsageFault(first.why, first.fix);
  for (const { why } of faults) terminal.stderr(`ipsec-play: ${why}; going on without it\n`);
  if (identities.length === 0) throw new UsageFault('no vault password is given', '--vault-password-file FILE, or -J');
  return identities;
}
