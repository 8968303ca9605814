import { SENSITIVE_KEY, SENSITIVE_WORD } from './sensitive-keys.ts';

/** A line of a source file as it may be shown: control characters and the values of sensitive keys are hidden. */
export interface ShownLine {
  readonly text: string;
  /** The column in `text` of a column of the original, both counted from 1. */
  column(original: number): number;
}

/** The lines of a text, with the values of sensitive keys (`psk: …`) masked, those over many lines included. */
export function maskLines(lines: readonly string[]): readonly ShownLine[] {
  // the key whose value goes on over the following, deeper lines
  let open: { indent: number; certain: boolean } | undefined;
  return lines.map((line) => {
    const indent = line.search(/\S/);
    if (indent === -1) return mask(line, []);
    if (open && indent > open.indent && (open.certain || !STRUCTURE.test(line))) {
      open.certain = true;
      return mask(line, [[indent, line.trimEnd().length]]);
    }
    if (!SENSITIVE_WORD.test(line)) {
      open = undefined;
      return mask(line, []);
    }
    const start = KEYED.exec(line)?.[0].length;
    open = start === undefined ? undefined : openValue(line.slice(start), indent);
    return mask(line, valueRanges(line, start));
  });
}

const MASK = '********';

const QUOTED = `"(?:[^"\\\\]|\\\\.)*"?|'(?:[^']|'')*'?`;
const KEY = `["']?(?:${SENSITIVE_KEY})["']?`;

/** A secret without quotes that begins as a block, a tag, a comment, a list or a mapping does, and is none. */
const MISREAD = [
  '[|>](?![-+0-9]*\\s*(?:#.*)?$)',
  '!(?!\\w*(?:\\s|$))',
  '#(?=\\S)',
  '\\[(?!\\s*$)',
  `\\{(?!\\s*(?:["']?[\\w.-]+["']?\\s*:|\\}|$))`,
]
  .map((start) => `(?:${start})`)
  .join('|');

/** `psk:` at the beginning of a line. */
const KEYED = new RegExp(`^\\s*(?:- +)*${KEY}\\s*:`, 'i');

/** ` value` after it: all up to a comment. */
const REST_OF_LINE = new RegExp(
  `^\\s+(?:!\\w*\\s+)?(${QUOTED}|[^\\s"'{\\[#!|>].*?|(?:${MISREAD}).*?)(?=\\s+#|\\s*$)`,
  'd',
);

/** `{ psk: value, … }`, and `IKE_PSK=value`: all that a flow scalar can hold. */
const IN_A_FLOW = new RegExp(
  `(?<![\\w-])${KEY}\\s*[:=]\\s*(?:!\\w*\\s+)?(${QUOTED}|[^\\s"'{\\[#!|>,}\\]][^,}\\]]*)`,
  'dgi',
);

/** ` |`, ` !vault |`, ` "begun` and ` begun` may all go on below. */
const OPENING = /^(?:\s+!\w*)?\s+(?:[|>]|"(?:[^"\\]|\\.)*$|'(?:[^']|'')*$|[^\s{["'#!])/;

/** Nothing: the value is below. */
const BARE = /^(?:\s+!\w*)?\s*(?:#.*)?$/;
const STRUCTURE = /^\s*(?:- |-$|[{[#]|["']?[\w.-]+["']?\s*:(?:\s|$))/;

/** Whether a value goes on below, of which `rest` is what stands on the line of its key. */
function openValue(rest: string, indent: number): { indent: number; certain: boolean } | undefined {
  if (OPENING.test(rest)) return { indent, certain: true };
  return BARE.test(rest) ? { indent, certain: false } : undefined;
}

/** `start`: where a value begins whose key the line begins with. */
function valueRanges(line: string, start: number | undefined): readonly (readonly [number, number])[] {
  const rest = start === undefined ? undefined : REST_OF_LINE.exec(line.slice(start))?.indices?.[1];
  if (rest && start !== undefined) return [[start + rest[0], start + rest[1]]];
  return [...line.matchAll(IN_A_FLOW)].flatMap((match) => (match.indices?.[1] ? [match.indices[1]] : []));
}

function mask(line: string, ranges: readonly (readonly [number, number])[]): ShownLine {
  const cuts: { from: number; to: number; at: number }[] = [];
  let text = '';
  let end = 0;
  for (const [from, to] of ranges) {
    text += line.slice(end, from);
    cuts.push({ from, to, at: text.length });
    text += MASK;
    end = to;
  }
  text += line.slice(end);
  return {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
    text: text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd'),
    column: (original) => {
      const index = original - 1;
      const cut = cuts.findLast(({ from }) => from <= index);
      if (!cut) return original;
      if (index >= cut.to) return cut.at + MASK.length + (index - cut.to) + 1;
      return index === cut.from ? cut.at + 1 : cut.at + MASK.length + 1;
    },
  };
}
