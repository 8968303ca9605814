import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Why a file was left as it was. */
export interface ReplaceFault {
  readonly why: string;
  readonly fix: string;
}

export interface Replacing {
  /** What the file must still hold, so that nobody loses what was written meanwhile. Absent: it need not be there. */
  readonly before?: string | Buffer | undefined;
  /** Absent: the mode of the file that was there; a new one is its owner's alone. */
  readonly mode?: number | undefined;
  /** All but the last step: whether it could be done, room on the disk included. */
  readonly rehearse?: boolean;
  /** The disk is not waited for: after a power cut it may be the old one, or empty. */
  readonly fleeting?: boolean;
}

/**
 * Puts `after` in place of a file: written beside it with mode 0600, given its mode and owner, and renamed. The file is
 * always whole, the old one or the new one. A symbolic link stays one.
 */
export function replaceFile(
  path: string,
  after: string | Buffer,
  { before, mode, rehearse = false, fleeting = false }: Replacing = {},
): ReplaceFault | null {
  let beside: string | undefined;
  try {
    const target = before === undefined && !existsSync(path) ? path : realpathSync(path);
    const isChanged = () => before !== undefined && !readFileSync(target).equals(bytes(before));
    if (isChanged()) return CHANGED;
    const old = statSync(target, { throwIfNoEntry: false });
    // A device must not become a file.
    if (old !== undefined && !old.isFile()) return NO_FILE;
    beside = join(dirname(target), `.${randomBytes(8).toString('hex')}.tmp`);
    const newMode = mode ?? (old === undefined ? 0o600 : old.mode & 0o7777);
    if (!write(beside, bytes(after), newMode, old, fleeting)) return NOT_OURS;
    if (isChanged()) return CHANGED;
    if (rehearse) return null;
    renameSync(beside, target);
    beside = undefined;
    if (!fleeting) syncFolder(dirname(target));
    return null;
  } catch (fault) {
    const code = fault instanceof Error && 'code' in fault ? String(fault.code) : 'unknown';
    return { why: `it cannot be written: ${code}`, fix: 'check who may write this file and its folder' };
  } finally {
    if (beside !== undefined) rmSync(beside, { force: true });
  }
}

const CHANGED: ReplaceFault = { why: 'somebody changed it meanwhile', fix: 'run this again' };
const NO_FILE: ReplaceFault = { why: 'it is no regular file', fix: 'a file' };
const NOT_OURS: ReplaceFault = { why: 'its owner and group cannot be kept', fix: 'run this as its owner' };

/** A new name outlives a power cut only when its folder is on the disk as well. Not every file system can do that. */
function syncFolder(path: string): void {
  let folder: number | undefined;
  try {
    folder = openSync(path, 'r');
    fsyncSync(folder);
  } catch {
    // the file is there, and whole
  } finally {
    if (folder !== undefined) closeSync(folder);
  }
}

function bytes(text: string | Buffer): Buffer {
  return typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
}

/** False where the file cannot have the owner that it must have. */
function write(
  path: string,
  text: Buffer,
  mode: number,
  owner: Pick<Stats, 'uid' | 'gid'> | undefined,
  fleeting: boolean,
): boolean {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeFileSync(file, text);
    const own = fstatSync(file);
    if (owner !== undefined && (own.uid !== owner.uid || own.gid !== owner.gid)) {
      try {
        fchownSync(file, owner.uid, owner.gid);
      } catch {
        return false;
      }
    }
    fchmodSync(file, mode);
    if (!fleeting) fsyncSync(file);
    return true;
  } finally {
    closeSync(file);
  }
}
