import { isDeepStrictEqual } from 'node:util';
import { type Document, Lexer, parseDocument } from 'yaml';
import { Vaulted } from './vaulted.ts';
import type { Pointer } from './yaml.ts';
import { planEdit, type Splice } from './yaml-splices.ts';
import { ansibleTags } from './yaml-tags.ts';

/** A value as it is to stand in the file. */
export type NewValue =
  /** One line of YAML, the same in a block and in braces: `0x201`, `"a text"`. */
  | { readonly kind: 'scalar'; readonly yaml: string }
  /** A text of Ansible Vault: a block of lines where that can stand, else in double quotes on one line. */
  | { readonly kind: 'vault'; readonly ciphertext: string };

/** What is to stand where. Mappings on the way that are missing or empty are made. */
export interface YamlEdit {
  readonly pointer: Pointer;
  readonly value: NewValue;
}

/** Why a place cannot be written to without touching another. */
export interface EditFault {
  readonly why:
    | 'syntax' // the text is no YAML to begin with
    | 'alias' // the place stands elsewhere, and *name repeats it here
    | 'merge' // it comes from a merge key
    | 'anchor' // aliases elsewhere repeat what would be changed
    | 'not-a-value' // a mapping or list stands there, or something on the way is no mapping
    | 'unproven'; // the result does not read as it must
  readonly pointer: Pointer;
}

/**
 * Puts values into a YAML text, every byte outside of their places kept: comments, blank lines, quotes, the order and the
 * form of everything. The result is read again; it must differ in the named values alone, and have every comment, else
 * it is a fault.
 */
export function editYaml(text: string, edits: readonly YamlEdit[]): string | EditFault {
  const before = read(text);
  if (before.errors.length > 0) return { why: 'syntax', pointer: [] };
  let fault: EditFault = { why: 'unproven', pointer: edits[0]?.pointer ?? [] };
  // A block of lines can take in a comment that stands below it; a text in quotes cannot.
  for (const blocks of [true, false]) {
    const edited = spliceAll(text, edits, blocks);
    if (typeof edited !== 'string') return edited;
    const wrong = firstWrong(before, text, edited, edits);
    if (wrong === null) return edited;
    fault = { why: 'unproven', pointer: wrong };
  }
  return fault;
}

/** All edits, as many at once as do not touch each other: a file may hold thousands of tunnels. */
function spliceAll(text: string, edits: readonly YamlEdit[], blocks: boolean): string | EditFault {
  let current = text;
  let pending = edits;
  while (pending.length > 0) {
    const document = read(current);
    if (document.errors.length > 0) return { why: 'unproven', pointer: pending[0]?.pointer ?? [] };
    const later: YamlEdit[] = [];
    const places = new Set<number>();
    const splices: Splice[] = [];
    for (const edit of pending) {
      const planned = planEdit(document, current, edit, blocks);
      if ('why' in planned) return planned;
      const touched = [planned.within, ...planned.splices.map(({ at }) => at)];
      if (touched.some((at) => places.has(at))) later.push(edit);
      else splices.push(...planned.splices);
      for (const at of touched) places.add(at);
    }
    current = splice(current, splices);
    pending = later;
  }
  return current;
}

function splice(text: string, splices: readonly Splice[]): string {
  const ordered = [...splices].sort((a, b) => a.at - b.at);
  let result = '';
  let from = 0;
  for (const { at, end, text: inserted } of ordered) {
    result += text.slice(from, at) + inserted;
    from = end;
  }
  return result + text.slice(from);
}

/** The place of a value that is not as it must be; null when all is well. */
function firstWrong(before: Document, text: string, edited: string, edits: readonly YamlEdit[]): Pointer | null {
  const somewhere = edits[0]?.pointer ?? [];
  const after = read(edited);
  if (after.errors.length > 0) return somewhere;
  const values = plain(after);
  const wrong = edits.find(({ pointer, value }) => !isDeepStrictEqual(valueAt(values, pointer), comparable(value)));
  if (wrong) return wrong.pointer;
  const expected = edits.reduce((all, { pointer, value }) => withValue(all, pointer, comparable(value)), plain(before));
  const same = isDeepStrictEqual(values, expected) && isDeepStrictEqual(comments(text), comments(edited));
  return same ? null : somewhere;
}

function read(text: string): Document {
  const options = { version: '1.1', uniqueKeys: true, prettyErrors: false, logLevel: 'error' } as const;
  return parseDocument(text, {
    ...options,
    keepSourceTokens: true,
    customTags: (tags) => ansibleTags(tags),
  }) as unknown as Document;
}

/** Every comment of a text, in order. What follows U+001F in the lexer's output is a scalar, whatever it begins with. */
function comments(text: string): readonly string[] {
  const lexemes = [...new Lexer().lex(text)];
  return lexemes.filter((lexeme, index) => lexeme.startsWith('#') && lexemes[index - 1] !== '\u001f');
}

function plain(document: Document): unknown {
  return comparableTree(document.toJS({ maxAliasCount: 1000 }));
}

/** Values that can be compared: of a vaulted one its text, without the line feed at its end. */
function comparableTree(value: unknown): unknown {
  if (value instanceof Vaulted) return vaulted(value.ciphertext);
  if (Array.isArray(value)) return value.map(comparableTree);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, comparableTree(inner)]));
}

function comparable(value: NewValue): unknown {
  return value.kind === 'vault' ? vaulted(value.ciphertext) : plain(read(value.yaml));
}

function vaulted(ciphertext: string): unknown {
  return { '!vault': ciphertext.replaceAll('\r\n', '\n').trimEnd() };
}

function valueAt(value: unknown, pointer: Pointer): unknown {
  return pointer.reduce<unknown>((inner, step) => (inner as Readonly<Record<string, unknown>>)?.[step], value);
}

function withValue(value: unknown, [step, ...rest]: Pointer, inner: unknown): unknown {
  if (step === undefined) return inner;
  const changed = withValue((value as Readonly<Record<string, unknown>> | null)?.[step], rest, inner);
  if (Array.isArray(value)) return value.map((item, index) => (index === step ? changed : item));
  return { ...(value as object | null), [step]: changed };
}
