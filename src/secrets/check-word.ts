import { createHmac } from 'node:crypto';
import { Secret } from '../model/secret.ts';

/**
 * What two people read to each other by phone to be sure that they have the same key. `word` is known to who has the key
 * alone, so that nobody can try keys against a fingerprint; both sides can compute it:
 * `printf %s DIGITS | openssl dgst -sha256 -hmac WORD`, the first 16 digits.
 */
export function spokenFingerprint(key: Buffer, word: string): string {
  const digest = createHmac('sha256', word).update(key.toString('hex')).digest('hex');
  return (digest.slice(0, 16).match(/.{4}/g) ?? []).join('-');
}

/** The bytes that a key stands for: hexadecimal after `0x`, else its text. */
export function keyBytes(key: Secret): Buffer {
  const text = Secret.reveal(key);
  return /^0x(?:[0-9a-fA-F]{2})+$/.test(text) ? Buffer.from(text.slice(2), 'hex') : Buffer.from(text, 'utf8');
}
