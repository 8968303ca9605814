import type { Directive } from './applied.ts';
import { quoteWord, readLine } from './config-text.ts';

/** What options of ssh(1) say, as lines of ssh_config(5) would say it. */
export interface GivenArguments {
  readonly directives: readonly Directive[];
  /** `-F` */
  readonly configFile?: string;
}

/** Reads `Target.sshArguments`: each option a word of its own, and its value the next word. */
export function readArguments(words: readonly string[], fromOf: (index: number) => string): GivenArguments {
  const directives: Directive[] = [];
  let configFile: string | undefined;
  for (let at = 0; at < words.length; at += 1) {
    const option = words[at] ?? '';
    const from = fromOf(at);
    const say = (keyword: string, rest: string) => directives.push({ keyword, words: [rest], rest, from });
    if (option === '-4') say('addressfamily', 'inet');
    else if (option === '-6') say('addressfamily', 'inet6');
    else {
      at += 1;
      const value = words[at] ?? '';
      const keyword = KEYWORDS[option];
      if (option === '-F') configFile ??= value;
      else if (keyword !== undefined) say(keyword, value);
      else if (option === '-o') {
        const line = readLine(value);
        if (line !== null) directives.push({ ...line, from });
      }
    }
  }
  return { directives, ...(configFile === undefined ? {} : { configFile }) };
}

/** For ssh itself. `-i` would leave out a file that is not there, and `-J` may stand only once. */
export function asOptions(directives: readonly Directive[]): readonly string[] {
  return directives.flatMap(({ keyword, words, rest }) => {
    const isList = words.length === 1 && words[0] === rest && QUOTED.has(keyword);
    return ['-o', `${keyword}=${isList ? quoteWord(rest) : rest}`];
  });
}

export function given(keyword: string, value: string, from = 'inventory'): Directive {
  return { keyword, words: [value], rest: value, from };
}

const KEYWORDS: Readonly<Record<string, string>> = {
  '-i': 'identityfile',
  '-J': 'proxyjump',
  '-l': 'user',
  '-p': 'port',
};

/** One path or name, in which blanks count. */
const QUOTED: ReadonlySet<string> = new Set(['identityfile', 'user', 'identityagent']);
