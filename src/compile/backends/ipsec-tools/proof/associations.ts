import { Secret } from '../../../../model/secret.ts';

export type Protocol = 'ah' | 'esp';

/** One entry of the kernel's security association database (RFC 4301 4.4.2). */
export interface Association {
  readonly source: string;
  readonly destination: string;
  readonly protocol: Protocol;
  readonly spi: number;
  readonly mode: string;
  /** `larval`: IKE has not finished. `dying`: its soft lifetime is over, it still carries traffic. */
  readonly state: string;
  /** Seconds since it was made; null: not told. */
  readonly age: number | null;
  /** What it has carried so far; null: not told. */
  readonly bytes: number | null;
  readonly encryption: Cipher | null;
  readonly authentication: Cipher | null;
}

export interface Cipher {
  readonly name: string;
  /** Hexadecimal digits without blanks; null: not shown. */
  readonly key: Secret | null;
}

/** Reads setkey(8) -D, of ipsec-tools 0.2 to 0.8, with or without ports and NAT traversal. Unknown lines are skipped. */
export function parseAssociations(output: string): readonly Association[] {
  const found: Writable<Association>[] = [];
  let ends: { source: string; destination: string } | null = null;
  let current: Writable<Association> | null = null;
  for (const line of output.split('\n')) {
    const addresses = ENDS.exec(line);
    if (addresses) {
      ends = { source: addresses[1] ?? '', destination: addresses[2] ?? '' };
      current = null;
      continue;
    }
    const head = HEAD.exec(line);
    if (head && ends) {
      current = {
        ...ends,
        protocol: head[1] as Protocol,
        mode: head[2] ?? '',
        spi: Number(head[3]),
        state: '',
        age: null,
        bytes: null,
        encryption: null,
        authentication: null,
      };
      found.push(current);
      continue;
    }
    if (current) detail(current, line);
  }
  return found;
}

/** It carries traffic. */
export function isAlive({ state }: Association): boolean {
  return state === 'mature' || state === 'dying';
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

const ENDS = /^(\d+(?:\.\d+){3})(?:\[\w+\])?\s+(\d+(?:\.\d+){3})(?:\[\w+\])?\s*$/;
const HEAD = /^\s+(ah|esp)(?:[-/]udp)?\s+mode=(\w+)\s+spi=(\d+)\(/;

function detail(entry: Writable<Association>, line: string): void {
  const cipher = /^\s+([EA]):\s+(\S+)\s*([0-9a-f ]*)$/i.exec(line);
  if (cipher) {
    const digits = (cipher[3] ?? '').replaceAll(' ', '').toLowerCase();
    const value = { name: cipher[2] ?? '', key: digits === '' ? null : new Secret(digits) };
    if (cipher[1] === 'E') entry.encryption = value;
    else entry.authentication = value;
    return;
  }
  entry.state = /\bstate=(\w+)/.exec(line)?.[1] ?? entry.state;
  entry.age = numberIn(/\bdiff:\s*(\d+)\(s\)/.exec(line)) ?? entry.age;
  entry.bytes = numberIn(/\bcurrent:\s*(\d+)\(bytes\)/.exec(line)) ?? entry.bytes;
}

function numberIn(match: RegExpExecArray | null): number | null {
  return match ? Number(match[1]) : null;
}
