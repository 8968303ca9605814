import type { Content } from '../../src/model/content.ts';
import { Secret } from '../../src/model/secret.ts';

/** One line of psk.txt, as racoon reads it (getpsk in localconf.c): the first blank ends the peer, the key runs to the line's end. */
export interface PskLine {
  /** null: a comment, or nothing that racoon can use. */
  readonly peer: string | null;
  readonly key: string;
  /** The bytes up to the key. */
  readonly head: string;
}

export function pskLines(text: string): PskLine[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => {
    const match = /^([^#\s]\S*)(\s+)(\S.*)$/s.exec(line);
    if (!match) return { peer: null, key: '', head: line };
    return { peer: match[1] ?? '', key: match[3] ?? '', head: `${match[1]}${match[2]}` };
  });
}

export interface PskEntry {
  readonly peer: string;
  readonly key: string;
}

/** The lines with every entry in them exactly once, and without those of the peers that are to go. */
export function withEntries(
  lines: readonly PskLine[],
  entries: readonly PskEntry[],
  absent: ReadonlySet<string>,
): PskLine[] {
  const due = new Map(entries.map(({ peer, key }) => [peer, key]));
  const ours = new Set(due.keys());
  const kept: PskLine[] = [];
  for (const line of lines) {
    if (line.peer === null || !(ours.has(line.peer) || absent.has(line.peer))) {
      kept.push(line);
      continue;
    }
    const key = due.get(line.peer);
    // racoon takes the first line of a peer.
    if (key !== undefined) kept.push({ ...line, key });
    due.delete(line.peer);
  }
  return [...kept, ...[...due].map(([peer, key]) => ({ peer, key, head: `${peer} ` }))];
}

export function pskText(lines: readonly PskLine[]): string {
  return lines.map(({ head, key }) => `${head}${key}\n`).join('');
}

/** The file for a diff or for writing: keys are secret, and so are comments, where old keys tend to stay. */
export function pskContent(lines: readonly PskLine[]): Content {
  return lines.flatMap(({ peer, head, key }) => {
    if (peer !== null) return [head, new Secret(key), '\n'];
    const text = head.replace(/^[#\s]*/, '');
    const mark = head.slice(0, head.length - text.length);
    return text === '' ? [`${head}\n`] : [mark, new Secret(text), '\n'];
  });
}

/** True when the ifup of RHEL 4 and 5 for `dst` drops the peer's line: `grep -v "^$DST"`, where a dot is any character. */
export function dropsLine(dst: string, peer: string): boolean {
  return peer !== dst && new RegExp(`^${dst.replaceAll(/[^A-Za-z0-9.]/g, '\\$&')}`).test(peer);
}
