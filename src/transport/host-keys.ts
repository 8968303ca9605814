import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  fingerprint,
  hostName,
  type KnownHostLine,
  KnownHosts,
  type KnownHostsFile,
  keyLine,
  keyType,
  parseKnownHosts,
} from './known-hosts.ts';
import { ConnectFault } from './transport.ts';

/** The host keys of a run: what the known_hosts files say, and the judgement of what a host shows. */
export interface HostKeys {
  readonly known: KnownHosts;
  /** `null`: the key may be trusted. */
  judge(host: string, port: number, key: Buffer): ConnectFault | null;
  /** To be called once the host has proved to hold the key: a new host's key is recorded, where that was asked for. */
  proved(host: string, port: number, key: Buffer): ConnectFault | null;
}

/**
 * Reads the known_hosts files of a host; one that is not there is empty, one that cannot be read or understood is a
 * {@link ConnectFault} that is thrown. The first file receives new keys.
 */
export function readHostKeys(files: readonly string[], acceptNew: boolean): HostKeys {
  return hostKeyFiles().of(files, acceptNew);
}

/** The known_hosts files of a run: each is read once, however many hosts have it among theirs. */
export function hostKeyFiles(): { of(files: readonly string[], acceptNew: boolean): HostKeys } {
  const parsed = new Map<string, KnownHostsFile>();
  const lists = new Map<string, KnownHosts>();
  const open = (file: string) => {
    const known = parsed.get(file) ?? understood(file);
    parsed.set(file, known);
    return known;
  };
  const add = (line: KnownHostLine) => {
    // The file as it was read is for lists to come, the others have it already.
    const file = parsed.get(line.file);
    if (file !== undefined) parsed.set(line.file, { ...file, lines: [...file.lines, line] });
    for (const known of lists.values()) if (known.files.includes(line.file)) known.add(line);
  };
  return {
    of: (files, acceptNew) => {
      const name = files.join('\0');
      const known = lists.get(name) ?? new KnownHosts(files.map(open));
      lists.set(name, known);
      const home = files[0] ?? null;
      return {
        known,
        judge: (host, port, key) => judge(known, home, acceptNew, host, port, key),
        proved: (host, port, key) => {
          if (known.check(host, port, key).kind === 'known' || home === null) return null;
          return record(add, home, host, port, key);
        },
      };
    },
  };
}

function understood(file: string): KnownHostsFile {
  const parsed = parseKnownHosts(file, read(file));
  const [fault] = parsed.faults;
  if (!fault) return parsed;
  throw new ConnectFault(
    'host-key-unknown',
    `${file}:${fault.line} cannot be understood (${fault.why}), so no host key can be trusted`,
    'Correct or delete that line; it might have been a revocation, so it is not skipped.',
  );
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return '';
    throw new ConnectFault(
      'host-key-unknown',
      `${file} cannot be read (${codeOf(error)}), so no host key can be trusted`,
      'Make it readable for you, or move it away.',
    );
  }
}

function judge(
  known: KnownHosts,
  home: string | null,
  acceptNew: boolean,
  host: string,
  port: number,
  key: Buffer,
): ConnectFault | null {
  const verdict = known.check(host, port, key);
  if (verdict.kind === 'known') return null;
  const name = hostName(host, port);
  const shown = `${keyType(key)} ${fingerprint(key)}`;
  switch (verdict.kind) {
    case 'revoked':
      return new ConnectFault(
        'host-key-revoked',
        `${name} shows a host key that is revoked in ${verdict.line.file}:${verdict.line.line}: ${shown}`,
        'Do not connect: whoever holds this key is not trusted any more. Give the host a new host key.',
      );
    case 'changed':
      return new ConnectFault(
        'host-key-changed',
        `${name} shows another host key than the known one: ${shown}, where ${verdict.line.file}:${verdict.line.line} has ` +
          fingerprint(Buffer.from(verdict.line.key, 'base64')),
        'Somebody may be listening in between. If the host was reinstalled, compare the new fingerprint on its console, then ' +
          `remove the old key: ssh-keygen -R '${name}' -f '${verdict.line.file}'`,
      );
    case 'unknown':
      break;
  }
  const searched = known.files.length === 0 ? 'no known_hosts file is in use' : `looked in ${known.files.join(', ')}`;
  if (verdict.authority !== null) {
    return new ConnectFault(
      'host-key-unknown',
      `${name} is known only by a certificate authority (${verdict.authority.file}:${verdict.authority.line}), and host ` +
        `certificates are not supported; its plain host key is ${shown}`,
      addLine(name, key, home),
    );
  }
  if (verdict.others.length > 0) {
    const others = verdict.others.map((line) => `${line.type} in ${line.file}:${line.line}`).join(', ');
    const isOtherType = verdict.others.every((line) => line.type !== keyType(key));
    return new ConnectFault(
      'host-key-unknown',
      `${name} is known by another ${isOtherType ? 'type of host key' : 'host key on port 22'} (${others}), but shows ${shown}`,
      `${addLine(name, key, home)} --accept-new-host-keys does not do it for a host that is not new.`,
    );
  }
  if (acceptNew && home !== null) return null;
  return new ConnectFault(
    'host-key-unknown',
    `the host key of ${name} is not known: ${shown} (${searched})`,
    `${addLine(name, key, home)} Or run once with --accept-new-host-keys.`,
  );
}

function addLine(name: string, key: Buffer, home: string | null): string {
  return (
    `Compare the fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub on its console), then add to ` +
    `${home ?? 'a known_hosts file'}: ${keyLine(name, key)}`
  );
}

/** One write to a file opened for appending, so that two runs at the same time cannot mix their lines. */
function record(
  add: (line: KnownHostLine) => void,
  file: string,
  host: string,
  port: number,
  key: Buffer,
): ConnectFault | null {
  const line = keyLine(hostName(host, port), key);
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    appendFileSync(file, `${endsOpen(file) ? '\n' : ''}${line}\n`, { mode: 0o600 });
  } catch (error) {
    return new ConnectFault(
      'host-key-unknown',
      `the new host key of ${hostName(host, port)} cannot be recorded in ${file} (${codeOf(error)})`,
      'Make that file writable for you.',
    );
  }
  const number = read(file).split('\n').length - 1;
  for (const added of parseKnownHosts(file, line).lines) add({ ...added, line: number });
  return null;
}

/** The file's last line has no newline. */
function endsOpen(file: string): boolean {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, last, 0, 1, size - 1);
  } finally {
    closeSync(descriptor);
  }
  return last[0] !== 0x0a;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
