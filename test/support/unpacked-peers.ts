import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from './needs.ts';

/**
 * strongSwan and Libreswan, whose packages exclude each other: unpacked below the folder that IPSEC_PLAY_PEERS names
 * (`strongswan`, `libreswan`), as `.ci/run` does with `apt-get download` and `dpkg -x`. Null: they are not there.
 */
export function unpackedPeers(...requirements: readonly string[]): string | null {
  const folder = process.env.IPSEC_PLAY_PEERS;
  if (folder === undefined || !existsSync(join(folder, 'strongswan/usr'))) {
    needs(`the folder IPSEC_PLAY_PEERS with unpacked strongSwan and Libreswan`);
    return null;
  }
  return needs(...requirements) ? folder : null;
}
