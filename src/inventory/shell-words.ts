/** Words as a POSIX shell splits them, without expanding anything (Python's shlex.split); null: an open quote. */
export function splitShellWords(text: string): readonly string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  let quote: string | null = null;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] as string;
    if (quote === "'") {
      if (char === "'") quote = null;
      else word += char;
    } else if (char === '\\') {
      const next = text[at + 1];
      if (next === undefined) return null;
      // Between double quotes it is itself, but before these.
      if (quote === '"' && next !== '"' && next !== '\\') word += char;
      else {
        word = (word ?? '') + next;
        at += 1;
      }
    } else if (quote === '"') {
      if (char === '"') quote = null;
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + char;
  }
  if (quote !== null) return null;
  return word === null ? words : [...words, word];
}
