import type { Algorithms, KexAlgorithm, ServerHostKeyAlgorithm } from 'ssh2';
import type { Target } from '../model/host.ts';

/**
 * What we offer a host, best first. Types of host key that are known for it come first, or it would show one that is not
 * known. Ciphers and MACs are ssh2's own, whose first is aes128-gcm.
 */
export function algorithmsFor(target: Target, knownTypes: readonly string[]): Algorithms {
  const old = target.sshProfile === 'el5';
  const hostKeys = old ? [...HOST_KEYS, ...OLD_HOST_KEYS] : HOST_KEYS;
  const isKnown = (algorithm: string) => knownTypes.includes(KEY_TYPE[algorithm] ?? algorithm);
  return {
    kex: old ? [...KEX, ...OLD_KEX] : KEX.concat(SLOW_KEX),
    serverHostKey: [...hostKeys.filter(isKnown), ...hostKeys.filter((algorithm) => !isKnown(algorithm))],
    ...(old
      ? {
          cipher: { append: ['aes128-cbc', 'aes192-cbc', 'aes256-cbc', '3des-cbc'], prepend: [], remove: [] },
          hmac: { append: ['hmac-md5'], prepend: [], remove: [] },
        }
      : {}),
  };
}

const KEX: KexAlgorithm[] = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group18-sha512',
];

/** Node tests the prime that the server sends, which blocks it for 1.5 s and more: only where there is nothing else. */
const SLOW_KEX: KexAlgorithm[] = ['diffie-hellman-group-exchange-sha256'];

const OLD_KEX: KexAlgorithm[] = [
  'diffie-hellman-group14-sha1',
  ...SLOW_KEX,
  'diffie-hellman-group-exchange-sha1',
  'diffie-hellman-group1-sha1',
];

const HOST_KEYS: ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

const OLD_HOST_KEYS: ServerHostKeyAlgorithm[] = ['ssh-rsa', 'ssh-dss'];

/** Where the algorithm is not named as the type of its key (RFC 8332). */
const KEY_TYPE: Readonly<Record<string, string>> = { 'rsa-sha2-512': 'ssh-rsa', 'rsa-sha2-256': 'ssh-rsa' };
