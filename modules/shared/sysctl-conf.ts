/** The file that a key of sysctl.conf(5) stands for under /proc/sys: `net.ipv4.ip_forward` is `net/ipv4/ip_forward`. */
export function procName(key: string): string {
  // The first separator decides; in `net/ipv4/conf/eth0.100/x` and `net.ipv4.conf.eth0/100.x` the other one is a dot.
  if (/^[^./]*\//.test(key)) return key;
  return key.replaceAll(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));
}

/** The value that the file gives the key: its last assignment counts. Undefined: it gives none. */
export function valueIn(text: string, key: string): string | undefined {
  return assignmentsOf(text, key).at(-1)?.value;
}

/** `text` with the key's last assignment giving `value`; every other byte as it was. */
export function withValue(text: string, key: string, value: string): string {
  const last = assignmentsOf(text, key).at(-1);
  if (last) return `${text.slice(0, last.start)}${last.start === last.end ? ' ' : ''}${value}${text.slice(last.end)}`;
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${key} = ${value}\n`;
}

/** `text` without any assignment of the key. */
export function withoutKey(text: string, key: string): string {
  let rest = text;
  for (const { lineStart, lineEnd } of assignmentsOf(text, key).reverse())
    rest = rest.slice(0, lineStart) + rest.slice(lineEnd);
  return rest;
}

/** Values mean the same when their words do: the kernel prints tabs between them. */
export function sameValue(a: string, b: string): boolean {
  return words(a) === words(b);
}

export function words(value: string): string {
  return value.trim().split(/\s+/).join(' ');
}

interface Assignment {
  readonly value: string;
  /** Where the value stands in the text. */
  readonly start: number;
  readonly end: number;
  readonly lineStart: number;
  readonly lineEnd: number;
}

function assignmentsOf(text: string, key: string): Assignment[] {
  const wanted = procName(key);
  const found: Assignment[] = [];
  // A leading `-` says: no error if the kernel does not know it (sysctl.d(5)).
  const line = /^([ \t]*-?[ \t]*([^\s#;=-][^\n=]*?)[ \t]*=[ \t]*)([^\n]*?)[ \t\r]*(?:\n|$)/gm;
  for (const match of text.matchAll(line)) {
    if (procName(match[2] ?? '') !== wanted) continue;
    const start = match.index + (match[1] ?? '').length;
    const value = match[3] ?? '';
    found.push({
      value,
      start,
      end: start + value.length,
      lineStart: match.index,
      lineEnd: match.index + match[0].length,
    });
  }
  return found;
}
