import { readFileSync, writeFileSync } from 'node:fs';
import type { utils as Utils } from 'ssh2';

/** The private key in `file`, made there with mode 0600 where there is none yet. */
export function keptKey(file: string, comment: string, utils: typeof Utils): string {
  try {
    // Another run may be making it at this very moment: the first one wins.
    writeFileSync(file, utils.generateKeyPairSync('ed25519', { comment }).private, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause;
  }
  return readFileSync(file, 'utf8');
}
