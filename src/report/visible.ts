/**
 * Text from elsewhere for a terminal: control characters must not reach it as such, nor those that turn the direction of
 * writing, so that a line could read otherwise than it is.
 */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (char) =>
    char === '\n' || char === '\t' ? char : escaped(char),
  );
}

/** The same for what must stay on one line: a name with a line feed in it could pass for another host's line. */
export function visibleLine(text: string): string {
  return visible(text).replace(/[\n\t]/g, (char) => (char === '\n' ? '\\n' : '\\t'));
}

function escaped(char: string): string {
  const code = char.charCodeAt(0).toString(16);
  return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
}
