import type { Algorithms } from 'ssh2';
import type { SshSettings } from './ssh-settings.ts';
import { ConnectFault } from './transport.ts';

/**
 * What we offer a host, best first: what ssh_config(5) says, as far as ssh2 has it, else our own choice. Types of host
 * key that are known for it come first, or it would show one that is not known. Ciphers and MACs are ssh2's own, whose
 * first is aes128-gcm. Throws a {@link ConnectFault} where nothing is left to offer.
 */
export function algorithmsFor(settings: SshSettings, knownTypes: readonly string[]): Algorithms {
  const { algorithms } = settings;
  const old = settings.profile === 'el5';
  const own = { kex: old ? [...KEX, ...OLD_KEX] : KEX, hostKey: old ? [...HOST_KEYS, ...OLD_HOST_KEYS] : HOST_KEYS };
  const chosen = (list: keyof typeof SUPPORTED) => algorithms[list] && supported(settings, list, algorithms[list]);
  const isKnown = (algorithm: string) => knownTypes.includes(KEY_TYPE[algorithm] ?? algorithm);
  const hostKeys = chosen('hostKey') ?? own.hostKey;
  const cipher = chosen('cipher') ?? (old ? added('aes128-cbc', 'aes192-cbc', 'aes256-cbc', '3des-cbc') : undefined);
  const hmac = chosen('mac') ?? (old ? added('hmac-md5') : undefined);
  return {
    kex: slowAndWeakLast(chosen('kex') ?? own.kex),
    serverHostKey: [...hostKeys.filter(isKnown), ...hostKeys.filter((algorithm) => !isKnown(algorithm))],
    ...(cipher === undefined ? {} : { cipher }),
    ...(hmac === undefined ? {} : { hmac }),
  } as Algorithms;
}

/** Of what a host offers, in ssh2's words, something is offered to it with the profile el5 only. */
export function isForEl5(offers: readonly string[]): boolean {
  const names = offers.flatMap((offer) => offer.replace(/^.* /, '').split(','));
  return names.some((name) => [...OLD_KEX, ...OLD_HOST_KEYS, 'hmac-md5'].includes(name) || /-cbc$/.test(name));
}

const KEX = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group18-sha512',
  'diffie-hellman-group-exchange-sha256',
];

const OLD_KEX = ['diffie-hellman-group14-sha1', 'diffie-hellman-group-exchange-sha1', 'diffie-hellman-group1-sha1'];

const HOST_KEYS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

const OLD_HOST_KEYS = ['ssh-rsa', 'ssh-dss'];

/** Where the algorithm is not named as the type of its key (RFC 8332). */
const KEY_TYPE: Readonly<Record<string, string>> = { 'rsa-sha2-512': 'ssh-rsa', 'rsa-sha2-256': 'ssh-rsa' };

/** What ssh2 can, and every Node too: it knows blowfish and arcfour by name, but OpenSSL 3 has them no more. */
export const SUPPORTED = {
  kex: [...KEX, 'diffie-hellman-group15-sha512', 'diffie-hellman-group17-sha512', ...OLD_KEX],
  hostKey: [...HOST_KEYS, ...OLD_HOST_KEYS],
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
    'chacha20-poly1305@openssh.com',
    'aes128-cbc',
    'aes192-cbc',
    'aes256-cbc',
    '3des-cbc',
  ],
  mac: [
    'hmac-sha2-256-etm@openssh.com',
    'hmac-sha2-512-etm@openssh.com',
    'hmac-sha1-etm@openssh.com',
    'hmac-sha2-256',
    'hmac-sha2-512',
    'hmac-sha1',
    'hmac-md5',
    'hmac-sha1-96',
    'hmac-md5-96',
  ],
} as const satisfies Record<string, readonly string[]>;

/** Each as ssh_config(5) calls it. */
const OPTION = { kex: 'KexAlgorithms', hostKey: 'HostKeyAlgorithms', cipher: 'Ciphers', mac: 'MACs' };

function supported({ name }: SshSettings, list: keyof typeof SUPPORTED, wanted: readonly string[]): readonly string[] {
  const known: readonly string[] = SUPPORTED[list];
  const left = wanted.filter((algorithm) => known.includes(algorithm));
  if (left.length > 0) return left;
  throw new ConnectFault(
    'algorithms',
    `of the ${OPTION[list]} that are set for ${name} none can be used here: ${wanted.join(', ')}`,
    `Add at least one of these to ${OPTION[list]}: ${known.join(', ')}`,
  );
}

/**
 * A group exchange costs a round trip more and a prime that is not known beforehand, so it comes last whatever
 * ssh_config says: ssh(1) lists it early, and hosts that have it have one of the others. After it comes only the 1024
 * bits of group1.
 */
function slowAndWeakLast(kex: readonly string[]): readonly string[] {
  const rank = (name: string) => (name === 'diffie-hellman-group1-sha1' ? 2 : /group-exchange/.test(name) ? 1 : 0);
  return [...kex].sort((one, other) => rank(one) - rank(other));
}

function added(...names: readonly string[]) {
  return { append: names, prepend: [], remove: [] };
}
