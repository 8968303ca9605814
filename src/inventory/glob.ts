/** Python's fnmatch.translate: `*`, `?`, `[abc]` and `[!abc]`, over the whole name. Null where it is not well-formed. */
export function globRegex(glob: string): RegExp | null {
  let source = '';
  for (let at = 0; at < glob.length; at += 1) {
    const char = glob.charAt(at);
    if (char === '*') source += '[\\s\\S]*';
    else if (char === '?') source += '[\\s\\S]';
    else if (char === '[') {
      const end = setEnd(glob, at);
      if (end === -1) source += '\\[';
      else {
        source += set(glob.slice(at + 1, end));
        at = end;
      }
    } else source += char.replace(/[.*+?^${}()|[\]\\/]/, '\\$&');
  }
  return compile(`^${source}$`);
}

/** Python's re.match: from the start on. Null where it is not well-formed. */
export function matchRegex(source: string): RegExp | null {
  return compile(`^(?:${source.replaceAll('(?P<', '(?<')})`);
}

function setEnd(glob: string, open: number): number {
  let at = open + 1;
  if (glob[at] === '!') at += 1;
  if (glob[at] === ']') at += 1;
  return glob.indexOf(']', at);
}

function set(content: string): string {
  const negated = content.startsWith('!');
  const members = (negated ? content.slice(1) : content).replace(/[\\[\]^]/g, '\\$&');
  return `[${negated ? '^' : ''}${members}]`;
}

function compile(source: string): RegExp | null {
  try {
    return new RegExp(source);
  } catch {
    return null;
  }
}
