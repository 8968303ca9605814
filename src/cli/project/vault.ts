import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { LazyVault } from '../../secrets/vault/lazy-vault.ts';
import type { PasswordOptions, PasswordWorld } from '../../secrets/vault/password-sources.ts';
import { askSecret, type Terminal } from '../machine/terminal.ts';

/** The vault with the passwords that the command line and the environment name. */
export interface VaultAccess {
  readonly vault: LazyVault;
  /** What is wrong with the sources of passwords, as far as they were needed. */
  faults(): readonly Diagnostic[];
}

/** `fresh`: a password that is typed is typed twice, because something will be encrypted with it. */
export function vaultAccess(
  options: PasswordOptions,
  terminal: Terminal,
  { fresh = false }: { readonly fresh?: boolean } = {},
): VaultAccess {
  const faults: Diagnostic[] = [];
  const vault = new LazyVault(async () => {
    const [{ passwordSources, readIdentities }, { makeVault }] = await Promise.all([
      import('../../secrets/vault/password-sources.ts'),
      import('../../secrets/vault/open-vault.ts'),
    ]);
    const read = await readIdentities(passwordSources(options, terminal.env), passwordWorld(terminal), { fresh });
    // As Ansible: one password of several that is not there may be one that is not needed.
    const severity = read.identities.length === 0 ? 'error' : 'warning';
    for (const { why, fix } of read.faults) faults.push({ ...error('vault-password', why, { fix }), severity });
    return makeVault(read.identities);
  });
  return { vault, faults: () => faults };
}

/** Whether the command line or the environment says where a vault password is. */
export function namesVaultPassword(options: PasswordOptions, env: Terminal['env']): boolean {
  const { vaultId, vaultPasswordFile, askVaultPass } = options;
  const named = [...vaultId, ...vaultPasswordFile, env.ANSIBLE_VAULT_PASSWORD_FILE, env.ANSIBLE_VAULT_IDENTITY_LIST];
  return askVaultPass === true || named.some((each) => each !== undefined && each !== '');
}

export function passwordWorld(terminal: Terminal): PasswordWorld {
  const { cwd, home, env } = terminal;
  return { cwd, home, env, ask: (question) => askSecret(terminal, question) };
}
