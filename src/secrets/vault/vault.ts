import type { VaultFault } from '../../lang/vaulted.ts';
import type { Secret } from '../../model/secret.ts';

/** Ansible Vault with the passwords of a run. Nothing here ever gives undefined. */
export interface Vault {
  /** Opens a text; what came of it is kept, so that the same text costs once. */
  open(envelope: string): Secret | VaultFault;
  /** Opens many texts in parallel, so that `open` has them ready. Faults are kept too and reported by who asks. Never rejects. */
  openAll(envelopes: Iterable<string>): Promise<void>;
  /**
   * Closes a text for the identity `id`, or for the only or first one. Ends without a line feed, as `!vault` values want
   * it. Rejects only with a {@link SealFault}.
   */
  seal(text: Secret, id?: string): Promise<string>;
  /** Every secret that was opened so far, for a redactor. */
  readonly opened: readonly Secret[];
}

export class SealFault extends Error {
  readonly fix: string;
  constructor(message: string, fix: string) {
    super(message);
    this.name = 'SealFault';
    this.fix = fix;
  }
}
