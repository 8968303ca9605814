import type { Files } from './ansible.ts';

export interface Case {
  readonly files: Files;
  readonly patterns: readonly string[];
}

/** A `.case` file: `== path` lines begin files, `== patterns` a list of host patterns. */
export function readCase(text: string): Case {
  const parts = text.split(/^== (.*)\n/m).slice(1);
  const files: Record<string, string> = {};
  let patterns: readonly string[] = [];
  for (let at = 0; at < parts.length; at += 2) {
    const [name = '', body = ''] = [parts[at], parts[at + 1]];
    if (name === 'patterns') patterns = body.split('\n').filter((line) => line !== '');
    else files[name] = body;
  }
  return { files, patterns };
}
