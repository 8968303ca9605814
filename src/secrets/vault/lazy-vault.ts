import type { OpenVault, VaultFault } from '../../lang/vaulted.ts';
import type { Secret } from '../../model/secret.ts';
import type { KeyedVault } from './open-vault.ts';
import type { Vault } from './vault.ts';

/**
 * A vault of which nothing is loaded, and no password read, before a text is to be opened. Reading inventories and
 * compiling plays is synchronous, and opening texts one after the other is slow: in {@link settled} texts are only noted
 * when they are met first, then all are opened in parallel, and the work is done anew.
 */
export class LazyVault implements Vault {
  readonly #provide: () => Promise<KeyedVault>;
  readonly #wanted = new Set<string>();
  readonly #known = new Set<string>();
  #loading: Promise<KeyedVault> | null = null;
  #vault: KeyedVault | null = null;
  #settling = 0;

  constructor(provide: () => Promise<KeyedVault>) {
    this.#provide = provide;
  }

  /** Outside of {@link settled}, and once loaded, opens at once. */
  readonly open: OpenVault = (envelope) => {
    if (this.#vault !== null && (this.#settling === 0 || this.#known.has(envelope))) return this.#vault.open(envelope);
    this.#wanted.add(envelope);
    return NOT_YET;
  };

  /** What `work` gives when all that it opens is open. `work` may run several times: it must not do anything but compute. */
  async settled<T>(work: () => T | Promise<T>): Promise<T> {
    for (;;) {
      this.#settling += 1;
      const result = await Promise.resolve()
        .then(work)
        .finally(() => {
          this.#settling -= 1;
        });
      if (this.#wanted.size === 0) return result;
      const wanted = [...this.#wanted];
      this.#wanted.clear();
      await this.openAll(wanted);
    }
  }

  async openAll(envelopes: Iterable<string>): Promise<void> {
    const texts = [...envelopes];
    if (texts.length === 0) return;
    await (await this.load()).openAll(texts);
    for (const text of texts) this.#known.add(text);
  }

  async seal(text: Secret, id?: string): Promise<string> {
    return (await this.load()).seal(text, id);
  }

  /** Reads the passwords, so that whatever is opened from now on can be opened at once. */
  async load(): Promise<KeyedVault> {
    this.#loading ??= this.#provide();
    this.#vault = await this.#loading;
    return this.#vault;
  }

  get opened(): readonly Secret[] {
    return this.#vault?.opened ?? [];
  }
}

/** Seen by nobody: the work that met it is done anew. */
const NOT_YET: VaultFault = { code: 'vault-no-password', why: 'it is not opened yet', fix: 'report this as a bug' };
