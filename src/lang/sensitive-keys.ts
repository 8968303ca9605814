/**
 * Keys whose values are secret wherever they stand. What is not of type Secret yet (the text of a file in a code
 * frame, a value that is quoted as "found") is masked by them.
 */
export function isSensitiveKey(key: string | number): boolean {
  return typeof key === 'string' && SENSITIVE.test(key);
}

/** The same as a pattern's source, to find such keys in a line of text. */
export const SENSITIVE_KEY = '(?:[\\w-]*_)?(?:psk|key|password|passwd|pass|passphrase|secret|token)|derive';

const SENSITIVE = new RegExp(`^(?:${SENSITIVE_KEY})$`, 'i');
