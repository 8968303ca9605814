/** One line's edit, in bytes. */
export interface LineEdit {
  readonly line: string | undefined;
  readonly regexp?: RegExp | undefined;
  readonly after?: RegExp | undefined;
  readonly before?: RegExp | 'start' | undefined;
}

/** `text` with the line in it, as Ansible's lineinfile has it. */
export function withLine(text: string, edit: LineEdit): string {
  const line = edit.line ?? '';
  const all = linesOf(text);
  const { regexp } = edit;
  const matches = regexp ? indexes(all, (found) => regexp.test(found)) : [];
  if (regexp && matches.length > 0) {
    // A line that its own regexp does not match would replace one more match on every run: do them all at once.
    const due = new Set(regexp.test(line) ? matches.slice(-1) : matches);
    return join(
      all.map((found, index) =>
        due.has(index) && found.text !== line ? { text: line, end: found.end || '\n' } : found,
      ),
    );
  }
  if (all.some((found) => found.text === line)) return text;
  return inserted(all, edit, line);
}

/** `text` without every line that the regexp matches, or without the line where there is no regexp. */
export function withoutLine(text: string, edit: LineEdit): string {
  const { line, regexp } = edit;
  return join(linesOf(text).filter((found) => (regexp ? !regexp.test(found.text) : found.text !== line)));
}

interface Line {
  readonly text: string;
  /** '\n', '\r\n', or '' for an unfinished last line. */
  readonly end: string;
}

function inserted(all: readonly Line[], edit: LineEdit, line: string): string {
  const { after, before } = edit;
  const added = { text: line, end: '\n' };
  if (before === 'start') return join([added, ...all]);
  const anchor = after ?? before;
  const place = anchor ? (indexes(all, (text) => anchor.test(text)).at(-1) ?? -1) : -1;
  const at = place === -1 ? all.length : after ? place + 1 : place;
  const head = all.slice(0, at).map((found) => ({ ...found, end: found.end || '\n' }));
  return join([...head, added, ...all.slice(at)]);
}

function linesOf(text: string): Line[] {
  return (text.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((raw) => {
    const end = /\r?\n$/.exec(raw)?.[0] ?? '';
    return { text: raw.slice(0, raw.length - end.length), end };
  });
}

function indexes(all: readonly Line[], matches: (text: string) => boolean): number[] {
  return all.flatMap((found, index) => (matches(found.text) ? [index] : []));
}

function join(all: readonly Line[]): string {
  return all.map((found) => found.text + found.end).join('');
}
