import { createHmac } from 'node:crypto';
import { reveal, type Secret } from '../model/secret.ts';

/**
 * What is shown in place of a secret, so that one sees that and where it changes: the same for the same secret, of no
 * use to guess it without `key`, which lives as long as one run or one checkout.
 */
export function makeFingerprint(key: Buffer): (secret: Secret) => string {
  return (secret) => `fp:${createHmac('sha256', key).update(reveal(secret), 'utf8').digest('hex').slice(0, 8)}`;
}
