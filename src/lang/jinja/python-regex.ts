import { fail } from './values.ts';

/** A regular expression in Python's syntax as one of JavaScript. */
export function pythonRegex(source: string, flags = ''): RegExp {
  const inline = /^\(\?([aimsux]+)\)/.exec(source);
  const own = [...(inline?.[1] ?? '')].filter((flag) => 'ims'.includes(flag)).join('');
  const pattern = source
    .slice(inline?.[0].length ?? 0)
    .replaceAll('(?P<', '(?<')
    .replace(/\(\?P=(\w+)\)/g, '\\k<$1>')
    .replace(/(?<!\\)((?:\\\\)*)\\A/g, '$1(?<![\\s\\S])')
    .replace(/(?<!\\)((?:\\\\)*)\\Z/g, '$1(?![\\s\\S])');
  try {
    return new RegExp(pattern, [...new Set(flags + own)].join(''));
  } catch {
    return fail('this regular expression is not well-formed');
  }
}

/** Python's re.sub: `\1`, `\g<1>` and `\g<name>` in the replacement stand for groups. */
export function substitute(text: string, regex: RegExp, replacement: string): string {
  return text.replace(regex, (...match: unknown[]) => {
    const named = (typeof match.at(-1) === 'object' ? match.at(-1) : {}) as Record<string, string | undefined>;
    return replacement.replace(/\\(?:(\d{1,2})|g<(\w+)>|([\s\S]))/g, (_, number, name, letter) => {
      if (letter !== undefined) return { n: '\n', t: '\t', r: '\r', '\\': '\\' }[letter as string] ?? `\\${letter}`;
      const group = number ?? name;
      const found = /^\d+$/.test(group) ? match[Number(group)] : named[group];
      return typeof found === 'string' ? found : '';
    });
  });
}
