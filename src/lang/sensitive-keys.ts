/**
 * Keys whose values are secret wherever they stand. What is not of type Secret yet (the text of a file in a code
 * frame, a value that is quoted as "found") is masked by them.
 */
export function isSensitiveKey(key: string | number): boolean {
  return typeof key === 'string' && SENSITIVE.test(key);
}

const WORDS = 'psk|key|password|passwd|pass|passphrase|secret|token';

/** The same as a pattern's source, to find such keys in a line of text. */
export const SENSITIVE_KEY = `(?:[\\w-]*_)?(?:${WORDS})|derive`;

/** Every line with such a key has this in it, and hardly any other. */
export const SENSITIVE_WORD = new RegExp(`${WORDS}|derive`, 'i');

const SENSITIVE = new RegExp(`^(?:${SENSITIVE_KEY})$`, 'i');
