import type { Secret } from '../model/secret.ts';

/** Opens a text of Ansible Vault (`$ANSIBLE_VAULT;…`). */
export type OpenVault = (envelope: string) => Secret | VaultFault;

/** Whether a whole text is one of Ansible Vault, or wants to be. */
export function isVaultText(text: string): boolean {
  return text.startsWith('$ANSIBLE_VAULT');
}

/** Why a vaulted text cannot be opened, for people: no secret is in it. */
export interface VaultFault {
  readonly code:
    | 'vault-no-password'
    | 'vault-wrong-password'
    | 'vault-unknown-id'
    | 'vault-damaged'
    /** It opens, and is binary. */
    | 'vault-not-text';
  readonly why: string;
  readonly fix: string;
}

/** A `!vault` value. It is opened when it is used, and not before: a run needs few of them. */
export class Vaulted {
  readonly ciphertext: string;
  readonly #open: OpenVault;

  constructor(ciphertext: string, open: OpenVault = noVault) {
    this.ciphertext = ciphertext;
    this.#open = open;
  }

  open(): Secret | VaultFault {
    return this.#open(this.ciphertext);
  }
}

/** For what never opens anything. */
export const noVault: OpenVault = () => ({
  code: 'vault-no-password',
  why: 'no vault password is given',
  fix: '--vault-password-file FILE, or -J to be asked for it',
});
