import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { utils as Utils } from 'ssh2';

/** The private key in `file`, made there with mode 0600 where there is none that can be read. */
export function keptKey(file: string, comment: string, utils: typeof Utils): string {
  const kept = read(file);
  if (kept !== null && isKey(kept, utils)) return kept;
  if (kept !== null) rmSync(file);

  const whole = `${file}.${process.pid}`;
  writeFileSync(whole, newKey(comment, utils), { mode: 0o600 });
  try {
    // Another run may be making it at this very moment: the first one wins.
    linkSync(whole, file);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause;
  } finally {
    rmSync(whole);
  }
  return readFileSync(file, 'utf8');
}

/** A private ed25519 key. One of 256 that ssh2 1.17 makes is malformed, as it drops a leading zero byte: then another one. */
export function newKey(comment: string, utils: typeof Utils): string {
  for (;;) {
    const made = utils.generateKeyPairSync('ed25519', { comment }).private;
    if (isKey(made, utils)) return made;
  }
}

function isKey(text: string, utils: typeof Utils): boolean {
  return !(utils.parseKey(text) instanceof Error);
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
