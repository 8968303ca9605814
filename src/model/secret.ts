import { inspect } from 'node:util';

const HIDDEN = '[secret]';

/**
 * A value nobody may see: a psk, a manual key, a password, or a text that contains one. It is a type and not a string
 * so that no accident prints it: interpolation, JSON, and `inspect` all show `[secret]`. It leaves this type only
 * through {@link reveal}, whose few callers are: rendering a script for stdin, computing a template (whose result is
 * secret again), comparing, fingerprinting, redacting.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret text; `secret` stays the only other place where it exists. */
  static reveal(secret: Secret): string {
    return secret.#value;
  }

  /** A secret made from this one, such as a quoted form of it. */
  map(change: (value: string) => string): Secret {
    return new Secret(change(this.#value));
  }

  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }
}

export const reveal = Secret.reveal;
