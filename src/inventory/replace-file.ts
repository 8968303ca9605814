import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Why a file was left as it was. */
export interface ReplaceFault {
  readonly why: string;
  readonly fix: string;
}

/**
 * Puts `after` in place of a file that still holds `before`: written beside it with mode 0600, given the file's own mode
 * and owner, and renamed. The file is always whole, the old one or the new one. A symbolic link stays one.
 */
export function replaceFile(path: string, before: string | Buffer, after: string | Buffer): ReplaceFault | null {
  let beside: string | undefined;
  try {
    const target = realpathSync(path);
    const changed = () => !readFileSync(target).equals(bytes(before));
    if (changed()) return CHANGED;
    const old = openSync(target, 'r');
    const { mode, uid, gid } = fstatSync(old);
    closeSync(old);
    beside = join(dirname(target), `.${randomBytes(8).toString('hex')}.tmp`);
    write(beside, bytes(after), { mode: mode & 0o7777, uid, gid });
    if (changed()) return CHANGED;
    renameSync(beside, target);
    beside = undefined;
    return null;
  } catch (fault) {
    const code = fault instanceof Error && 'code' in fault ? String(fault.code) : 'unknown';
    return { why: `it cannot be written: ${code}`, fix: 'check who may write this file and its folder' };
  } finally {
    if (beside !== undefined) rmSync(beside, { force: true });
  }
}

const CHANGED: ReplaceFault = { why: 'somebody changed it meanwhile', fix: 'run this again' };

function bytes(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
}

function write(path: string, text: Buffer, { mode, uid, gid }: { mode: number; uid: number; gid: number }): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(file, text);
    const own = fstatSync(file);
    if (own.uid !== uid || own.gid !== gid) fchownSync(file, uid, gid);
    fchmodSync(file, mode);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
