import { closeSync, fchmodSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { editKnownHosts, isPlainName } from '../../transport/edit-known-hosts.ts';
import { hostName, parseKnownHosts } from '../../transport/known-hosts.ts';
import type { Review } from '../../transport/review-host-keys.ts';
import { ConnectFault } from '../../transport/transport.ts';
import { UsageFault } from '../exit.ts';
import { replaceFile } from '../machine/replace-file.ts';

/** What is known after a scan of hosts of the inventory that are one and the same for SSH. */
export interface ScannedHost {
  readonly hosts: readonly string[];
  /** As known_hosts files know it; `null`: how it is reached could not be worked out. */
  readonly knownAs: { readonly name: string; readonly port: number } | null;
  /** `null`: see `fault`. */
  readonly review: Review | null;
  readonly fault: ConnectFault | null;
}

export interface ProjectKeys {
  /** Bytes; `null`: there is no such file yet. */
  readonly text: string | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** The project's known_hosts. A line that cannot be understood might have been a revocation, so it is a mistake. */
export function readProjectKeys(file: string): ProjectKeys {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (fault) {
    if (codeOf(fault) === 'ENOENT') return { text: null, diagnostics: [] };
    const why = `${file} cannot be read: ${codeOf(fault)}`;
    return {
      text: null,
      diagnostics: [error('file-unreadable', why, { fix: 'check what it is and who may read it' })],
    };
  }
  const diagnostics = parseKnownHosts(file, text).faults.map(({ line, why }) =>
    error('known-hosts-line', `a line of known_hosts cannot be understood: ${why}`, {
      span: { file, line, column: 1, endLine: line, endColumn: (text.split('\n')[line - 1] ?? '').length + 1 },
      fix: 'correct or delete the line; it might have been a revocation, so it is not passed over',
    }),
  );
  return { text, diagnostics };
}

/** Refuses hosts that known_hosts cannot hold, or cannot tell apart. */
export function unambiguous(scanned: readonly ScannedHost[]): readonly ScannedHost[] {
  return scanned.map((one) => {
    const { knownAs, review } = one;
    if (knownAs === null || review === null) return one;
    const refused = (code: 'ssh-config' | 'host-key-changed', message: string) => ({
      ...one,
      review: null,
      fault: new ConnectFault(code, message, `In ssh_config, give each a HostKeyAlias of its own.`),
    });
    const name = hostName(knownAs.name, knownAs.port);
    if (!isPlainName(name)) return refused('ssh-config', `${name} cannot be the name of one host in known_hosts`);
    const other = scanned.find((each) => each !== one && contradicts(one, each));
    if (other === undefined) return one;
    return refused('host-key-changed', `${other.hosts.join(', ')} is ${name} too, and shows another key`);
  });
}

function contradicts(one: ScannedHost, other: ScannedHost): boolean {
  if (one.knownAs === null || other.knownAs === null) return false;
  if (hostName(one.knownAs.name, one.knownAs.port) !== hostName(other.knownAs.name, other.knownAs.port)) return false;
  const theirs = other.review?.keys ?? [];
  return (one.review?.keys ?? []).some(({ type, key }) =>
    theirs.some((each) => each.type === type && !each.key.equals(key)),
  );
}

/** Whether the keys of a host may be written, and what is written of it. */
export function editOf({ knownAs, review }: ScannedHost, replace: boolean) {
  if (knownAs === null || review === null) return null;
  if (!review.isSound && !(replace && review.replaceable.length > 0)) return null;
  const add = review.missing.map(({ key }) => key);
  return add.length === 0 ? null : { ...knownAs, add, remove: review.isSound ? [] : review.replaceable };
}

/** Writes what is missing. Throws a {@link UsageFault} where the file is another than the one that was read. */
export function writeProjectKeys(
  file: string,
  before: string | null,
  scanned: readonly ScannedHost[],
  replace: boolean,
): void {
  const edits = scanned.map((one) => editOf(one, replace)).filter((edit) => edit !== null);
  const after = Buffer.from(editKnownHosts(before ?? '', edits), 'latin1');
  if (before === null) {
    create(file, after);
    return;
  }
  const fault = replaceFile(file, after, { before: Buffer.from(before, 'latin1') });
  if (fault !== null) throw new UsageFault(`nothing was written to ${file}: ${fault.why}`, fault.fix);
}

/** Mode 0644 whatever the umask: nothing in it is a secret. */
function create(file: string, text: Buffer): void {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'wx', 0o644);
    writeFileSync(descriptor, text);
    fchmodSync(descriptor, 0o644);
  } catch (fault) {
    if (descriptor !== undefined) rmSync(file, { force: true });
    throw new UsageFault(`${file} cannot be written: ${codeOf(fault)}`);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function codeOf(fault: unknown): string {
  return fault instanceof Error && 'code' in fault ? String(fault.code) : String(fault);
}
