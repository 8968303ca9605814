import { inspect } from 'node:util';

const HIDDEN = '[secret]';

/**
 * A value nobody may see: a psk, a manual key, a password, or a text that contains one. It is a type and not a string
 * so that no accident prints it: interpolation, JSON, and `inspect` all show `[secret]`. It leaves this type only
 * through {@link reveal}, whose few callers are: rendering a script for stdin, computing a template (whose result is
 * secret again), parsing or writing a file that is encrypted, comparing, fingerprinting, redacting.
 */
export class Secret {
  #value: string;

  constructor(value: string) {
    this.#value = value;
    if (value !== '') made.set(value, this);
  }

  /** The secret text; `secret` stays the only other place where it exists. */
  static reveal(secret: Secret): string {
    return secret.#value;
  }

  /** A text, such as a whole file, around secrets that are known themselves. */
  static around(text: string): Secret {
    const secret = new Secret('');
    secret.#value = text;
    return secret;
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

const made = new Map<string, Secret>();

/**
 * Every secret that this process has come to know, for the report of a crash. A crash may come from anywhere: from a
 * reader before it has handed over what it found, from an event of a library. Nothing but the type itself knows the
 * secrets then. Whole files ({@link Secret.around}) are not among them: they would fill the memory.
 */
export function everySecret(): readonly Secret[] {
  return [...made.values()];
}
