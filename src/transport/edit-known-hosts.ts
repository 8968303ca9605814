import { hostName, type KnownHostLine, keyLine } from './known-hosts.ts';

/** What is to become of one host in a known_hosts file. */
export interface HostEdit {
  readonly name: string;
  readonly port: number;
  /** In SSH wire format. */
  readonly add: readonly Buffer[];
  /** Lines that are to say nothing of this host any more. */
  readonly remove: readonly KnownHostLine[];
}

/** A whole known_hosts text (bytes) with these changes; everything else in it stays as it is. New lines go to the end. */
export function editKnownHosts(text: string, edits: readonly HostEdit[]): string {
  const lines: (string | null)[] = text.split('\n');
  for (const { name, port, remove } of edits) {
    for (const { line } of remove) lines[line - 1] = without(hostName(name, port), lines[line - 1] ?? null);
  }
  const kept = lines.filter((line) => line !== null).join('\n');
  const added = edits.flatMap(({ name, port, add }) => add.map((key) => keyLine(hostName(name, port), key)));
  const unique = [...new Set(added)];
  if (unique.length === 0) return kept;
  return `${kept === '' ? HEADER : kept}${kept === '' || kept.endsWith('\n') ? '' : '\n'}${unique.join('\n')}\n`;
}

const HEADER = `# The host keys of the inventory's hosts, as known_hosts of ssh(1). \`ipsec-play hosts scan\` adds new ones.\n`;

/** A pattern, a list or a marker in place of a name would let a key stand for other hosts. */
export function isPlainName(name: string): boolean {
  return /^[\x21-\x7e]+$/.test(name) && !/[,*?!"]|^[#|@]/.test(name);
}

/** A line may name several hosts; `null`: it has named this one alone, or it is hashed. */
function without(name: string, line: string | null): string | null {
  const [, names = '', rest = ''] = /^(\s*\S+)([\s\S]*)$/.exec(line ?? '') ?? [];
  const others = names.split(',').filter((each) => each.trim().toLowerCase() !== name);
  return names.trim().startsWith('|') || others.length === 0 ? null : `${others.join(',')}${rest}`;
}
