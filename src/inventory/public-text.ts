import { opened } from '../lang/opened.ts';
import { reveal, Secret } from '../model/secret.ts';

/**
 * A variable whose value is not secret in itself (an address, a user's name), though it may stand encrypted, as a text.
 * Where it is shown in spite of that, the redactor hides it. Throws a TemplateFault when it does not open.
 */
export function publicText(value: unknown): unknown {
  const plain = opened(value);
  return plain instanceof Secret ? reveal(plain) : plain;
}
