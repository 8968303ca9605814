import { Secret } from '../../model/secret.ts';
import type { LazyVault } from '../../secrets/vault/lazy-vault.ts';
import type { KeygenOptions } from '../options/options.ts';

/** An encrypted file stays encrypted, by the password that opened it. */
export async function sealAgain(
  text: string,
  before: string,
  vault: LazyVault,
  options: Pick<KeygenOptions, 'encryptVaultId'>,
): Promise<string> {
  const keyed = await vault.load();
  const identity = options.encryptVaultId === undefined ? keyed.identityOf(before) : null;
  const secret = new Secret(text);
  const ciphertext = identity ? await keyed.sealAs(secret, identity) : await keyed.seal(secret, options.encryptVaultId);
  return `${ciphertext.trimEnd()}\n`;
}
