import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { utils as Utils } from 'ssh2';

/** The private key in `file`, made there with mode 0600 where there is none that can be read. */
export function keptKey(file: string, comment: string, utils: typeof Utils): string {
  const isKey = (text: string | null): text is string => text !== null && !(utils.parseKey(text) instanceof Error);
  const kept = read(file);
  if (isKey(kept)) return kept;
  if (kept !== null) rmSync(file);

  // One of 256 that ssh2 1.17 makes is malformed: it drops a leading zero byte.
  let made = utils.generateKeyPairSync('ed25519', { comment }).private;
  while (!isKey(made)) made = utils.generateKeyPairSync('ed25519', { comment }).private;

  const whole = `${file}.${process.pid}`;
  writeFileSync(whole, made, { mode: 0o600 });
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

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
