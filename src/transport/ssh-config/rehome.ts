import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quoteWord } from './config-text.ts';
import { type ConfigTree, filesOf, linesOf } from './config-tree.ts';

/** A configuration for ssh to read, whose paths are ours again in what it says. */
export interface Rehomed {
  readonly path: string;
  /** Text of ssh with the names of the original files. */
  original(text: string): string;
  remove(): void;
}

/**
 * ssh takes `~` and relative paths of `Include` from the home in the password database, not from $HOME. Where these two
 * differ, it is given copies that include each other by absolute paths.
 */
export function rehome(tree: ConfigTree): Rehomed {
  const folder = mkdtempSync(join(tmpdir(), 'ipsec-play-ssh-'));
  const copies = new Map(filesOf(tree).map((file, index) => [file, join(folder, `${index}.conf`)]));
  for (const [file, copy] of copies) writeFileSync(copy, withIncludes(file, copies), { mode: 0o600 });
  return {
    path: copies.get(tree) ?? tree.path,
    original: (text) => [...copies].reduce((said, [file, copy]) => said.replaceAll(copy, file.path), text),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function needsRehoming(tree: ConfigTree): boolean {
  return linesOf(tree).some(
    ({ keyword, words }) => keyword === 'include' && words.some((path) => !path.startsWith('/')),
  );
}

function withIncludes(file: ConfigTree, copies: ReadonlyMap<ConfigTree, string>): string {
  const lines = file.text.split('\n');
  for (const { line, words, included } of file.lines) {
    if (included === undefined || words.length === 0) continue;
    const paths = included.map((each) => quoteWord(copies.get(each) ?? each.path));
    lines[line - 1] = paths.length === 0 ? '' : `Include ${paths.join(' ')}`;
  }
  return lines.join('\n');
}
