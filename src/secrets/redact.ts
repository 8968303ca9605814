import { toBytes } from '../model/content.ts';
import { reveal, type Secret } from '../model/secret.ts';

const HIDDEN = '[secret]';

/** Below this many characters a secret is only replaced as a whole word: it would riddle every other text. */
const SHORT = 4;

/** A line, of a secret of many, that is worth hiding by itself. */
const LINE = 8;

export interface Redactor {
  add(secret: Secret): void;
  redact(text: string): string;
}

/**
 * Replaces every occurrence of every known secret, in each form it may take on its way through shells, bytes and JSON.
 * Where occurrences overlap, all of them go. Its cost grows with the text, hardly with the number of secrets.
 */
export function makeRedactor(): Redactor {
  const long = new Map<string, string[]>();
  const short = new Set<string>();
  const known = new Set<string>();
  const firstPairs = new Uint8Array(0x10000);
  let words: RegExp | null = null;

  const addForm = (form: string) => {
    if (known.has(form)) return;
    known.add(form);
    if (form.length < SHORT) {
      short.add(form);
      words = null;
      return;
    }
    const start = form.slice(0, SHORT);
    const forms = long.get(start) ?? [];
    forms.push(form);
    forms.sort((a, b) => b.length - a.length);
    long.set(start, forms);
    firstPairs[pairHash(form, 0)] = 1;
  };

  return {
    add: (secret) => {
      for (const form of formsOf(reveal(secret))) addForm(form);
    },
    redact: (text) => {
      const spans: [number, number][] = [];
      if (long.size > 0) findLong(text, long, firstPairs, spans);
      if (short.size > 0) {
        words ??= wholeWords(short);
        for (const match of text.matchAll(words)) spans.push([match.index, match.index + match[0].length]);
      }
      return spans.length === 0 ? text : hide(text, spans);
    },
  };
}

function findLong(
  text: string,
  forms: ReadonlyMap<string, readonly string[]>,
  firstPairs: Uint8Array,
  spans: [number, number][],
): void {
  for (let at = 0; at + SHORT <= text.length; at += 1) {
    if (firstPairs[pairHash(text, at)] === 0) continue;
    const form = forms.get(text.slice(at, at + SHORT))?.find((candidate) => text.startsWith(candidate, at));
    if (form !== undefined) spans.push([at, at + form.length]);
  }
}

/** Most places of a text are no secret's beginning; this tells without making a string. */
function pairHash(text: string, at: number): number {
  return ((text.charCodeAt(at) << 8) ^ text.charCodeAt(at + 1)) & 0xffff;
}

function wholeWords(short: ReadonlySet<string>): RegExp {
  const longestFirst = [...short].sort((a, b) => b.length - a.length);
  const alternatives = longestFirst.map((form) => form.replace(/[^A-Za-z0-9_]/g, '\\$&')).join('|');
  return new RegExp(`(?<![A-Za-z0-9_])(?:${alternatives})(?![A-Za-z0-9_])`, 'g');
}

function hide(text: string, spans: [number, number][]): string {
  spans.sort((a, b) => a[0] - b[0]);
  let result = '';
  let copied = 0;
  let [start, end] = spans[0] as [number, number];
  const flush = () => {
    result += text.slice(copied, start) + HIDDEN;
    copied = end;
  };
  for (const [from, to] of spans.slice(1)) {
    if (from < end) end = Math.max(end, to);
    else {
      flush();
      [start, end] = [from, to];
    }
  }
  flush();
  return result + text.slice(copied);
}

/** The secret and what shells, YAML, JSON, bytes and `setkey -D` make of it. */
function formsOf(text: string): Set<string> {
  const forms = new Set<string>();
  if (text === '') return forms;
  forms.add(text);
  if (!UNCHANGED.test(text)) {
    const written = [text, text.replaceAll("'", `'\\''`), text.replaceAll("'", "''"), text.replace(/["\\$`]/g, '\\$&')];
    for (const encoded of written.flatMap((form) => [form, toBytes(form)])) {
      forms.add(encoded);
      forms.add(JSON.stringify(encoded).slice(1, -1));
    }
  }
  // Of a key in many lines a message may show some.
  if (text.includes('\n')) {
    for (const line of text.split(/\r?\n/))
      if (line.trim().length >= LINE) for (const form of formsOf(line)) forms.add(form);
  }
  // As base64(1) prints it, given it with or without a line feed.
  if (text.length >= LINE) {
    for (const bytes of [text, `${text}\n`]) forms.add(Buffer.from(bytes).toString('base64').replace(/=+$/, ''));
  }
  const digits = /^0x([0-9a-fA-F]+)$/.exec(text)?.[1];
  if (digits !== undefined) for (const form of hexForms(digits)) forms.add(form);
  else if (text.length >= SHORT) for (const form of hexForms(Buffer.from(text).toString('hex'))) forms.add(form);
  return forms;
}

/** What no quoting and no encoding changes. */
const UNCHANGED = /^[A-Za-z0-9_@%+=:,./ -]*$/;

/** In one piece, in either case, and in the groups of `setkey -D`. */
function hexForms(digits: string): string[] {
  const lower = digits.toLowerCase();
  return [digits, lower, digits.toUpperCase(), lower.replace(/.{8}(?=.)/g, '$& ')];
}
