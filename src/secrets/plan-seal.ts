import { createHmac, timingSafeEqual } from 'node:crypto';
import { reveal, type Secret } from '../model/secret.ts';
import { makeFingerprint } from './fingerprint.ts';

/**
 * What stands in a plan file in place of values: keyed digests, which can be compared by whoever has the key, and tell
 * nothing to anybody else. Without the key not even a short psk can be found by trying.
 */
export interface PlanSeal {
  /** Tells keys apart, and nothing about them. */
  readonly keyId: string;
  readonly fingerprint: (secret: Secret) => string;
  /** Of any text, which may hold secrets. `of`: what it is the text of, so that like texts of two things look unlike. */
  digest(of: string, text: string): string;
  /** Over a whole plan, to notice when one was altered. */
  seal(text: string): string;
  isSealOf(seal: string, text: string): boolean;
}

/** Each use has a key of its own, made from the one that is kept. */
export function planSeal(key: Secret): PlanSeal {
  const derived = (use: string) =>
    createHmac('sha256', Buffer.from(reveal(key), 'hex'))
      .update(use)
      .digest();
  const hmac = (use: string, text: string) => createHmac('sha256', derived(use)).update(text, 'utf8').digest('hex');
  const seal = (text: string) => hmac('seal', text);
  return {
    keyId: hmac('id', '').slice(0, 16),
    fingerprint: makeFingerprint(derived('fingerprint')),
    digest: (of, text) => `fp:${hmac('digest', JSON.stringify([of, text])).slice(0, 24)}`,
    seal,
    isSealOf: (given, text) => {
      const [a, b] = [Buffer.from(given), Buffer.from(seal(text))];
      return a.length === b.length && timingSafeEqual(a, b);
    },
  };
}
