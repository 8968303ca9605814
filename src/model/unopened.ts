import { Secret } from './secret.ts';

/**
 * Stands for an encrypted key that a command does not need: it passes every check, and never gets to a host, because
 * what is compiled with it is only listed. It is one object, so that it cannot be mistaken for a key that reads the same.
 */
export const UNOPENED = new Secret('[vault]');

export function isUnopened(secret: Secret): boolean {
  return secret === UNOPENED;
}
