import { matchesPattern } from './patterns.ts';

/** A list of algorithms as ssh resolves it (ssh_config(5), Ciphers): `+` appends, `^` prepends, `-` takes away. */
export function resolveAlgorithms(keyword: string, value: string): string {
  const defaults = DEFAULTS[keyword] ?? [];
  const named = value.replace(/^[-+^]/, '').split(',');
  const without = (names: readonly string[]) => defaults.filter((each) => !names.includes(each));
  if (value.startsWith('+')) return [...defaults, ...named.filter((each) => !defaults.includes(each))].join(',');
  if (value.startsWith('^')) return [...named, ...without(named)].join(',');
  if (!value.startsWith('-')) return value;
  return defaults.filter((each) => !named.some((pattern) => matchesPattern(each, pattern))).join(',');
}

/** What OpenSSH 9 offers where nobody says anything else: what `+`, `-` and `^` begin from where there is no ssh to ask. */
const DEFAULTS: Readonly<Record<string, readonly string[]>> = {
  kexalgorithms: [
    'sntrup761x25519-sha512',
    'sntrup761x25519-sha512@openssh.com',
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group-exchange-sha256',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group18-sha512',
    'diffie-hellman-group14-sha256',
  ],
  ciphers: [
    'chacha20-poly1305@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
  ],
  macs: [
    'umac-64-etm@openssh.com',
    'umac-128-etm@openssh.com',
    'hmac-sha2-256-etm@openssh.com',
    'hmac-sha2-512-etm@openssh.com',
    'hmac-sha1-etm@openssh.com',
    'umac-64@openssh.com',
    'umac-128@openssh.com',
    'hmac-sha2-256',
    'hmac-sha2-512',
    'hmac-sha1',
  ],
  hostkeyalgorithms: [
    'ssh-ed25519-cert-v01@openssh.com',
    'ecdsa-sha2-nistp256-cert-v01@openssh.com',
    'ecdsa-sha2-nistp384-cert-v01@openssh.com',
    'ecdsa-sha2-nistp521-cert-v01@openssh.com',
    'sk-ssh-ed25519-cert-v01@openssh.com',
    'sk-ecdsa-sha2-nistp256-cert-v01@openssh.com',
    'rsa-sha2-512-cert-v01@openssh.com',
    'rsa-sha2-256-cert-v01@openssh.com',
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'sk-ssh-ed25519@openssh.com',
    'sk-ecdsa-sha2-nistp256@openssh.com',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ],
};
