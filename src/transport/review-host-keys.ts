import { type KnownHostLine, type KnownHosts, keyType } from './known-hosts.ts';

/** What the known_hosts files say of a key that a host has shown. */
export type KeyStatus =
  | { readonly kind: 'new' }
  | { readonly kind: 'known'; readonly line: KnownHostLine }
  | { readonly kind: 'changed'; readonly line: KnownHostLine }
  | { readonly kind: 'revoked'; readonly line: KnownHostLine };

export interface ReviewedKey {
  readonly type: string;
  /** In SSH wire format. */
  readonly key: Buffer;
  readonly status: KeyStatus;
}

export interface Review {
  readonly keys: readonly ReviewedKey[];
  /**
   * Nothing speaks against the host. Where something does, none of its keys may be believed: who stands in between
   * shows keys of every type, and one that is wrong gives the others away.
   */
  readonly isSound: boolean;
  /** What the project's file does not have. */
  readonly missing: readonly ReviewedKey[];
  /** The lines of the project's file that speak against the host; empty where others do, or where it is revoked. */
  readonly replaceable: readonly KnownHostLine[];
}

/**
 * Holds a host's keys against all known_hosts files. What the project's own says goes before the others. As long as none
 * of the known keys of a host was seen, a key of another type is not a new one, but a changed one.
 */
export function reviewHostKeys(
  known: KnownHosts,
  projectFile: string,
  host: { readonly name: string; readonly port: number },
  shown: readonly Buffer[],
): Review {
  const { own, all } = known.lines(host.name, host.port);
  const ofProject = (line: KnownHostLine) => line.file === projectFile;
  const believed = all.filter(({ marker }) => marker === null);
  const isSeen = (line: KnownHostLine) => shown.some((key) => isKey(line, key));
  const someSeen = believed.some(isSeen);
  const against = (type: string) =>
    own.filter((line) => line.marker === null && !isSeen(line) && (line.type === type || !someSeen));

  const statusOf = (key: Buffer): KeyStatus => {
    const same = (line: KnownHostLine) => isKey(line, key);
    const revoked = all.find((line) => line.marker === 'revoked' && same(line));
    if (revoked) return { kind: 'revoked', line: revoked };
    const known = believed.find((line) => ofProject(line) && same(line)) ?? believed.find(same);
    if (known !== undefined && ofProject(known)) return { kind: 'known', line: known };
    const contrary = against(keyType(key));
    const changed = contrary.find(ofProject) ?? (known === undefined ? contrary[0] : undefined);
    if (changed) return { kind: 'changed', line: changed };
    return known === undefined ? { kind: 'new' } : { kind: 'known', line: known };
  };

  const keys = shown.map((key) => ({ type: keyType(key), key, status: statusOf(key) }));
  const changed = keys.filter(({ status }) => status.kind === 'changed');
  const isRevoked = keys.some(({ status }) => status.kind === 'revoked');
  const inProject = ({ key }: ReviewedKey) => believed.some((line) => ofProject(line) && isKey(line, key));
  const contrary = [...new Set(changed.flatMap(({ type }) => against(type)))];
  return {
    keys,
    isSound: changed.length === 0 && !isRevoked,
    missing: keys.filter((key) => !inProject(key)),
    // A pattern stands for other hosts too.
    replaceable:
      !isRevoked && contrary.every((line) => ofProject(line) && line.names.kind !== 'patterns') ? contrary : [],
  };
}

function isKey(line: KnownHostLine, key: Buffer): boolean {
  return line.key === key.toString('base64');
}
