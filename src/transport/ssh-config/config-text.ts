/** A line of ssh_config(5) that says something. */
export interface ConfigLine {
  readonly file: string;
  readonly line: number;
  /** In lower case. */
  readonly keyword: string;
  /** In words, without quotes and comment. Empty where ssh(1) refuses the quotes. */
  readonly words: readonly string[];
  /** All behind the keyword, as it is written: what commands and `Match` are read from. */
  readonly rest: string;
}

export function readLines(file: string, text: string): readonly ConfigLine[] {
  return text.split('\n').flatMap((written, index) => {
    const line = readLine(written);
    return line === null ? [] : [{ file, line: index + 1, ...line }];
  });
}

/** As ssh's readconf.c: `Keyword arguments` or `Keyword=arguments`. */
export function readLine(written: string): Pick<ConfigLine, 'keyword' | 'words' | 'rest'> | null {
  const match = /^[ \t]*"?([^\s"=#][^\s"=]*)"?(?:[ \t]*=[ \t]*|[ \t]+|$)(.*)$/.exec(
    written.replace(/[ \t\r\n\f]+$/, ''),
  );
  if (match === null) return null;
  const [, keyword = '', rest = ''] = match;
  return { keyword: keyword.toLowerCase(), words: splitWords(rest) ?? [], rest };
}

/** ssh's argv_split (misc.c); null where a quote is left open. */
export function splitWords(text: string): readonly string[] | null {
  const words: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (isBlank(text[at])) {
      at += 1;
      continue;
    }
    if (text[at] === '#') break;
    let word = '';
    let quote: string | null = null;
    for (; at < text.length; at += 1) {
      const char = text[at] as string;
      const next = text[at + 1];
      if (char === '\\' && (next === "'" || next === '"' || next === '\\' || (quote === null && next === ' '))) {
        at += 1;
        word += next;
      } else if (quote === null && isBlank(char)) break;
      else if (quote === null && (char === '"' || char === "'")) quote = char;
      else if (char === quote) quote = null;
      else word += char;
    }
    if (quote !== null) return null;
    words.push(word);
  }
  return words;
}

/** The criteria of a `Match` line and their values, one word each: `host gw*` and `host=gw*` are the same. */
export function matchWords(rest: string): readonly string[] {
  return (splitWords(rest) ?? []).flatMap((word) => {
    const joined = /^(!?[a-z]+)=(.*)$/is.exec(word);
    return joined === null ? [word] : [joined[1] ?? '', joined[2] ?? ''];
  });
}

/** A word as ssh reads it back. */
export function quoteWord(word: string): string {
  return `"${word.replace(/["\\]/g, '\\$&')}"`;
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t';
}
