import { createHash, createHmac } from 'node:crypto';
import { patternOf } from './ssh-config/patterns.ts';

/**
 * Reads the text of one known_hosts file, sshd(8) "SSH_KNOWN_HOSTS FILE FORMAT". A line that cannot be read might have
 * been a revocation, so there are either all lines or the faults, never some.
 */
export function parseKnownHosts(file: string, text: string): KnownHostsFile {
  const lines: KnownHostLine[] = [];
  const faults: KnownHostsFault[] = [];
  text.split('\n').forEach((raw, index) => {
    const trimmed = raw.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return;
    const parsed = parseLine(trimmed);
    if (parsed === null) return;
    if (typeof parsed === 'string') faults.push({ file, line: index + 1, why: parsed });
    else lines.push({ ...parsed, file, line: index + 1 });
  });
  return { file, lines, faults };
}

export interface KnownHostsFile {
  readonly file: string;
  readonly lines: readonly KnownHostLine[];
  readonly faults: readonly KnownHostsFault[];
}

interface KnownHostsFault {
  readonly file: string;
  readonly line: number;
  readonly why: string;
}

export interface KnownHostLine {
  readonly file: string;
  readonly line: number;
  readonly marker: 'revoked' | 'cert-authority' | null;
  readonly names: HostNames;
  /** `ssh-ed25519` */
  readonly type: string;
  /** The key in base64, as in the file. */
  readonly key: string;
}

type HostNames =
  | { readonly kind: 'plain'; readonly names: readonly string[] }
  | { readonly kind: 'patterns'; readonly patterns: readonly { readonly negated: boolean; readonly regexp: RegExp }[] }
  | { readonly kind: 'hashed'; readonly salt: Buffer; readonly hash: string };

/** Known host keys by host, in the order of the files. What a session accepts is added to it. */
export class KnownHosts {
  readonly files: readonly string[];
  readonly #plain = new Map<string, KnownHostLine[]>();
  /** Lines whose names must be tried one after another: patterns and hashes. */
  readonly #others: KnownHostLine[] = [];
  readonly #found = new Map<string, readonly KnownHostLine[]>();

  constructor(files: readonly KnownHostsFile[]) {
    this.files = files.map(({ file }) => file);
    for (const { lines } of files) for (const line of lines) this.add(line);
  }

  add(line: KnownHostLine): void {
    this.#found.clear();
    if (line.names.kind !== 'plain') {
      this.#others.push(line);
      return;
    }
    for (const name of line.names.names) {
      const known = this.#plain.get(name);
      if (known) known.push(line);
      else this.#plain.set(name, [line]);
    }
  }

  /** The types of key known for a host, to ask it for those first. */
  types(host: string, port: number): readonly string[] {
    const lines = this.lines(host, port).all.filter(({ marker }) => marker === null);
    return [...new Set(lines.map(({ type }) => type))];
  }

  /** `key` in SSH wire format. */
  check(host: string, port: number, key: Buffer): Verdict {
    const type = keyType(key);
    const base64 = key.toString('base64');
    const { own, all } = this.lines(host, port);
    const same = (line: KnownHostLine) => line.type === type && line.key === base64;

    const revoked = all.find((line) => line.marker === 'revoked' && same(line));
    if (revoked) return { kind: 'revoked', line: revoked };
    const keys = all.filter(({ marker }) => marker === null);
    if (keys.some(same)) return { kind: 'known' };
    const other = own.find((line) => line.marker === null && line.type === type);
    if (other) return { kind: 'changed', line: other };
    return {
      kind: 'unknown',
      others: keys,
      authority: all.find(({ marker }) => marker === 'cert-authority') ?? null,
    };
  }

  /**
   * What is said of a host. As ssh(1) does, one on another port may be known by what is said of it without a port; but
   * that says nothing against it, for behind one address there may be a host for each port.
   */
  lines(
    host: string,
    port: number,
  ): { readonly own: readonly KnownHostLine[]; readonly all: readonly KnownHostLine[] } {
    const own = this.#named(hostName(host, port));
    const isKnown = own.some(({ marker }) => marker === null);
    return { own, all: port === 22 || isKnown ? own : [...own, ...this.#named(hostName(host, 22))] };
  }

  #named(name: string): readonly KnownHostLine[] {
    const found = this.#found.get(name) ?? this.#search(name);
    this.#found.set(name, found);
    return found;
  }

  #search(name: string): readonly KnownHostLine[] {
    const others = this.#others.filter((line) => matches(line.names, name));
    return [...(this.#plain.get(name) ?? []), ...others];
  }
}

export type Verdict =
  | { readonly kind: 'known' }
  | { readonly kind: 'changed'; readonly line: KnownHostLine }
  | { readonly kind: 'revoked'; readonly line: KnownHostLine }
  | {
      readonly kind: 'unknown';
      /** Keys of other types that are known for this host, or its keys on port 22: it is not a new one. */
      readonly others: readonly KnownHostLine[];
      readonly authority: KnownHostLine | null;
    };

/** A host as known_hosts names it: `host`, or `[host]:port` where the port is not 22. */
export function hostName(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/** `SHA256:…`, as `ssh-keygen -l` prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** As a known_hosts file has it. */
export function keyLine(name: string, key: Buffer): string {
  return `${name} ${keyType(key)} ${key.toString('base64')}`;
}

/** The first string of a key in SSH wire format (RFC 4253 6.6). */
export function keyType(key: Buffer): string {
  const length = key.length < 4 ? 0 : key.readUInt32BE(0);
  return key.subarray(4, 4 + length).toString('latin1');
}

/** `null`: a line of protocol 1 (bits, exponent, modulus), which means nothing to us. */
function parseLine(line: string): Omit<KnownHostLine, 'file' | 'line'> | string | null {
  const fields = line.split(/[ \t]+/);
  const marked = fields[0]?.startsWith('@') ? fields.shift() : undefined;
  if (marked !== undefined && marked !== '@revoked' && marked !== '@cert-authority') return `unknown marker ${marked}`;
  const [names, type, key] = fields;
  if (names === undefined || type === undefined || key === undefined) return 'it has no host names, key type and key';
  if (/^\d+$/.test(type) && /^\d+$/.test(key)) return null;
  const bytes = Buffer.from(key, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== key.replace(/=+$/, '')) return 'its key is not base64';
  if (keyType(bytes) !== type) return `its key is no ${type} key`;
  const hosts = parseNames(names);
  if (typeof hosts === 'string') return hosts;
  const marker = marked === '@revoked' ? 'revoked' : marked === '@cert-authority' ? 'cert-authority' : null;
  return { marker, names: hosts, type, key: bytes.toString('base64') };
}

function parseNames(text: string): HostNames | string {
  if (text.startsWith('|')) {
    const match = /^\|1\|([A-Za-z0-9+/]+=*)\|([A-Za-z0-9+/]+=*)$/.exec(text);
    const salt = Buffer.from(match?.[1] ?? '', 'base64');
    const hash = Buffer.from(match?.[2] ?? '', 'base64');
    if (salt.length !== 20 || hash.length !== 20) return 'its hashed host name is not |1|SALT|HASH';
    return { kind: 'hashed', salt, hash: hash.toString('base64') };
  }
  const names = text.toLowerCase().split(',');
  if (names.includes('')) return 'it has an empty host name';
  if (!/[*?!]/.test(text)) return { kind: 'plain', names };
  return {
    kind: 'patterns',
    patterns: names.map((name) => ({ negated: name.startsWith('!'), regexp: patternOf(name.replace(/^!/, '')) })),
  };
}

/** ssh_config(5) PATTERNS. `*` and `?` are the only special characters; a negated match outdoes all others. */
function matches(names: HostNames, name: string): boolean {
  if (names.kind === 'plain') return names.names.includes(name);
  if (names.kind === 'hashed') return createHmac('sha1', names.salt).update(name).digest('base64') === names.hash;
  const found = names.patterns.filter(({ regexp }) => regexp.test(name));
  return found.length > 0 && found.every(({ negated }) => !negated);
}
