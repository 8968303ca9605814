import { lines, path, type Script, sh, writeFile } from '../../src/engine/sh.ts';
import type { FileState } from '../../src/model/host-state.ts';

/**
 * What was created here and was not there before, so that it can be told later from what somebody else has made: one file
 * a connection, and one a peer for what its connections share.
 */
const MADE = '/var/lib/ipsec-play/made';
export const MADE_CONNECTIONS = `${MADE}/connections`;
export const MADE_PEERS = `${MADE}/peers`;

export function madeConnection(nickname: string): string {
  return `${MADE_CONNECTIONS}/${nickname}`;
}

export function madePeer(address: string): string {
  return `${MADE_PEERS}/${address}`;
}

/** A record that is written, or goes. */
export interface MadeChange {
  readonly path: string;
  /** Null: it goes. */
  readonly text: string | null;
}

export function applyMade(changes: readonly MadeChange[]): Script {
  if (changes.length === 0) return lines([]);
  const written = changes.filter(({ text }) => text !== null);
  const folders = [...new Set(written.map(({ path: name }) => name.slice(0, name.lastIndexOf('/'))))];
  return lines([
    ...folders.map((folder) => sh`mkdir -p ${path(folder)}`),
    ...changes.map(({ path: name, text }) =>
      text === null ? sh`rm -f ${path(name)}` : writeFile({ path: name, mode: 0o600, content: [text] }),
    ),
    ...(written.length === changes.length ? [] : [removeMadeFolders]),
  ]);
}

/** Those that are empty. */
export const removeMadeFolders: Script = sh`rmdir ${path(MADE_CONNECTIONS)} ${path(MADE_PEERS)} ${path(MADE)} ${path(MADE.slice(0, MADE.lastIndexOf('/')))} 2>/dev/null || :
`;

export function madeState({ text }: MadeChange): FileState {
  if (text === null) return { kind: 'absent' };
  return { kind: 'file', mode: 0o600, owner: '', group: '', uid: -1, gid: -1, bytes: text };
}

/** The shell function `keys_sum FILE`: the checksum of the lines that count, by which a key is known again. */
export const keysSum: Script = sh`keys_sum() { sed -e '/^[[:blank:]]*#/d' -e '/^[[:blank:]]*$/d' "$1" | cksum; }
`;
