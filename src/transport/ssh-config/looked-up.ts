import type { Target } from '../../model/host.ts';
import { matchWords } from './config-text.ts';
import type { TreeLine } from './config-tree.ts';
import type { Lookup } from './foresee.ts';
import { matchesHostLine, matchesPattern } from './patterns.ts';

/**
 * The name that a host is looked up by: as with Ansible its address. But a user who has written a `Host` block for the
 * name that the inventory has means this one; it is then reached at the inventory's address all the same.
 */
export function lookedUp({ name, address }: Target, lines: readonly TreeLine[]): Pick<Lookup, 'host' | 'hostName'> {
  if (name !== address && !isNamed(address, lines) && isNamed(name, lines)) return { host: name, hostName: address };
  return { host: address, hostName: null };
}

/** By a pattern that does not stand for all hosts. */
function isNamed(host: string, lines: readonly TreeLine[]): boolean {
  return lines.some((line) =>
    patternsOf(line).some((patterns) => matchesHostLine(host, patterns) && patterns.some((each) => names(each, host))),
  );
}

function names(pattern: string, host: string): boolean {
  return !/^[*?]*$/.test(pattern) && !pattern.startsWith('!') && matchesPattern(host, pattern);
}

function patternsOf({ keyword, words, rest }: TreeLine): readonly (readonly string[])[] {
  if (keyword === 'host') return [words];
  if (keyword !== 'match') return [];
  const criteria = matchWords(rest);
  return criteria.flatMap((criterion, at) =>
    /^(original)?host$/i.test(criterion) ? [(criteria[at + 1] ?? '').split(',')] : [],
  );
}
