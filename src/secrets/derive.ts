import { createHmac } from 'node:crypto';
import { reveal, Secret } from '../model/secret.ts';

/**
 * One psk per pair of hosts from one master, the same on every run and machine. Only the two names count, in either
 * order: all tunnels between two hosts share one line of psk.txt and so one key, and renaming a tunnel changes no key.
 * base64url without padding is the same raw in psk.txt and sourced by a shell.
 */
export function derivePsk(master: Secret, hosts: readonly [string, string]): Secret {
  const label = ['ipsec-play psk 1', ...[...hosts].sort()].join('\0');
  for (let attempt = 0; ; attempt += 1) {
    const text = attempt === 0 ? label : `${label}\0${attempt}`;
    const psk = createHmac('sha256', reveal(master)).update(text, 'utf8').digest('base64url');
    // racoon reads a key that begins with 0x as hexadecimal; some programs take a leading dash for an option.
    if (!psk.startsWith('0x') && !psk.startsWith('-')) return new Secret(psk);
  }
}
