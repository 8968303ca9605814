import type { ConfigTree, TreeLine } from './config-tree.ts';

/** Something that was said about a host, and where. */
export interface Directive {
  readonly keyword: string;
  readonly words: readonly string[];
  readonly rest: string;
  /** `FILE:LINE`, or the name of a variable. */
  readonly from: string;
}

/** Whether the block that a `Host` or `Match` line begins holds. */
export type Decide = (line: TreeLine) => boolean;

/**
 * Adds the lines of a configuration that hold to `applied`, in ssh's order (readconf.c). Files that are included in a
 * block that does not hold are read all the same: their `Match` lines are evaluated, and their `Host` lines are not.
 */
export function applyConfig(tree: ConfigTree, decide: Decide, applied: Directive[], outer = true): void {
  let holds = outer;
  for (const line of tree.lines) {
    if (line.keyword === 'host') holds = outer && decide(line);
    else if (line.keyword === 'match') holds = decide(line) && outer;
    else if (line.included !== undefined) {
      for (const file of line.included) applyConfig(file, decide, applied, holds);
    } else if (holds) applied.push(directiveOf(line));
  }
}

/**
 * What a second pass adds (`Match final`, CanonicalizeHostname). By then the host has its name: another HostName is not
 * heeded (ssh.c).
 */
export function addFinalPass(applied: Directive[], final: readonly Directive[]): void {
  applied.push(...final.filter(({ keyword }) => keyword !== 'hostname'));
}

/** The first one counts, as everywhere in ssh_config(5) but for lists such as IdentityFile. */
export function firstOf(directives: readonly Directive[], keyword: string): Directive | undefined {
  return directives.find((directive) => directive.keyword === keyword);
}

/** ` (FILE:LINE)` for messages; empty where nobody has said it. */
export function saidAt(directives: readonly Directive[], keyword: string): string {
  const from = firstOf(directives, keyword)?.from;
  return from === undefined ? '' : ` (${from})`;
}

function directiveOf({ keyword, words, rest, file, line }: TreeLine): Directive {
  return { keyword: ALIASES[keyword] ?? keyword, words, rest, from: `${file}:${line}` };
}

/** Older names of keywords that matter here. */
const ALIASES: Readonly<Record<string, string>> = {
  challengeresponseauthentication: 'kbdinteractiveauthentication',
  keyboardinteractiveauthentication: 'kbdinteractiveauthentication',
};
