import {
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  visit,
  type YAMLMap,
} from 'yaml';
import type { EditFault, NewValue, YamlEdit } from './edit-yaml.ts';
import type { Pointer } from './yaml.ts';
import { endOf, endOfItem, propsOf } from './yaml-tokens.ts';

/** `text` in place of what stands from `at` up to `end`. */
export interface Splice {
  readonly at: number;
  readonly end: number;
  readonly text: string;
}

/** What to change for one value. Two edits with the same `within` cannot be made at once. */
export interface PlannedEdit {
  readonly within: number;
  readonly splices: readonly Splice[];
}

/** Where and how a value is written into a text. `document` was parsed from it, with source tokens. */
export function planEdit(
  document: Document,
  text: string,
  { pointer, value }: YamlEdit,
  blocks: boolean,
): PlannedEdit | EditFault {
  const found = findPlace(document, pointer);
  if ('why' in found) return found;
  const writing: Writing = { text, value, blocks, eol: text.includes('\r\n') ? '\r\n' : '\n', step: found.step };
  const { map, pair, rest } = found;
  const token = map.srcToken;
  if (token?.type !== 'block-map' && token?.type !== 'flow-collection') return { why: 'not-a-value', pointer };
  const item = pair?.srcToken;
  if (item === undefined) {
    const splices = token.type === 'block-map' ? intoBlock(token, rest, writing) : intoFlow(token, rest, writing);
    return { within: token.offset, splices };
  }
  if (item.key === undefined || item.key === null) return { why: 'not-a-value', pointer };
  const splices = atPair(item as PairItem, token, rest, writing);
  return splices === null ? { why: 'not-a-value', pointer } : { within: endOf(item.key), splices };
}

interface Writing {
  readonly text: string;
  readonly value: NewValue;
  readonly blocks: boolean;
  readonly eol: string;
  /** Columns that an inner mapping is indented by. */
  readonly step: number;
}

/** Below `pair` of `map`, or as a new pair of `map`; `rest` are the keys that are still to be written. */
interface Place {
  readonly map: YAMLMap;
  readonly pair: Pair | undefined;
  readonly rest: Pointer;
  readonly step: number;
}

type PairItem = CST.CollectionItem & { readonly key: CST.Token };

function findPlace(document: Document, pointer: Pointer): Place | EditFault {
  const repeated = repeatedAnchors(document);
  let node = document.contents as Node | null;
  let step: number | undefined;
  let outer = 0;
  for (const [index, key] of pointer.entries()) {
    const fault = unreachable(node, repeated);
    if (fault !== null) return { why: fault, pointer };
    if (isSeq(node)) {
      node = (node.items[Number(key)] as Node | undefined) ?? null;
      continue;
    }
    if (!isMap(node)) return { why: 'not-a-value', pointer };
    const map: YAMLMap = node;
    if (map.srcToken?.type === 'block-map') {
      if (map.srcToken.indent > outer) step = map.srcToken.indent - outer;
      outer = map.srcToken.indent;
    }
    const place = { map, step: step ?? usualStep(document) };
    const pair = map.items.find((each) => isScalar(each.key) && String(each.key.value ?? '') === String(key));
    if (!pair) {
      if (isMerged(document, map, String(key))) return { why: 'merge', pointer };
      return { ...place, pair: undefined, rest: pointer.slice(index) };
    }
    const value = pair.value as Node | null;
    const last = index === pointer.length - 1;
    if (last || isNothing(value)) {
      const faulty = unreachable(value, repeated);
      if (faulty !== null) return { why: faulty, pointer };
      if (value !== null && !isScalar(value) && !(last && isMap(value) && value.items.length === 0))
        return { why: 'not-a-value', pointer };
      return { ...place, pair, rest: pointer.slice(index + 1) };
    }
    node = value;
  }
  return { why: 'not-a-value', pointer };
}

function isNothing(node: Node | null): boolean {
  return node === null || (isScalar(node) && node.value === null && node.anchor === undefined);
}

function unreachable(node: Node | null, repeated: ReadonlySet<string>): 'alias' | 'anchor' | null {
  if (isAlias(node)) return 'alias';
  const anchor = node !== null && 'anchor' in node ? node.anchor : undefined;
  return typeof anchor === 'string' && repeated.has(anchor) ? 'anchor' : null;
}

/** The anchors that some alias repeats. */
function repeatedAnchors(document: Document): ReadonlySet<string> {
  const known = anchorsOf.get(document);
  if (known) return known;
  const names = new Set<string>();
  visit(document, { Alias: (_, { source }) => void names.add(source) });
  anchorsOf.set(document, names);
  return names;
}

const anchorsOf = new WeakMap<Document, ReadonlySet<string>>();

/** True when a mapping has a key from one that it merges. */
function isMerged(document: Document, map: YAMLMap, key: string): boolean {
  const merges = map.items.some(({ key: own }) => isScalar(own) && (own.source === '<<' || own.value === '<<'));
  if (!merges) return false;
  const value: unknown = map.toJS(document, { maxAliasCount: 1000 });
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}

/** How the file indents its outermost mappings. */
function usualStep(document: Document): number {
  const top = document.contents;
  const inner = isMap(top)
    ? top.items.map(({ value }) => value).find((value) => isMap(value) && !value.flow)
    : undefined;
  const token = isMap(inner) ? inner.srcToken : undefined;
  return token?.type === 'block-map' && token.indent > 0 ? token.indent : 2;
}

/** A new last pair of a mapping in a block. */
function intoBlock(token: CST.BlockMap, rest: Pointer, writing: Writing): readonly Splice[] {
  const last = token.items.findLast((item) => item.key || item.value);
  return [linesAt(lineEnd(writing.text, last ? endOfItem(last) : token.offset), rest, token.indent, writing)];
}

/** A new last pair of a mapping in braces. */
function intoFlow(token: CST.FlowCollection, rest: Pointer, writing: Writing): readonly Splice[] {
  const pair = inFlow(rest, writing.value).slice(2, -2);
  const last = token.items.findLast((item) => item.key || item.value);
  const comma = token.items.at(-1)?.start.findLast(({ type }) => type === 'comma');
  if (comma && !(token.items.at(-1)?.key || token.items.at(-1)?.value)) return [insert(endOf(comma), ` ${pair}`)];
  if (last) return [insert(endOfItem(last), `, ${pair}`)];
  const open = endOf(token.start);
  return [insert(open, ` ${pair}${writing.text[open] === '}' ? ' ' : ''}`)];
}

/** The value of a pair that is there, whether it has one already or not. */
function atPair(
  item: PairItem,
  map: CST.BlockMap | CST.FlowCollection,
  rest: Pointer,
  writing: Writing,
): readonly Splice[] | null {
  const { value, text } = writing;
  const colon = item.sep?.find(({ type }) => type === 'map-value-ind');
  const props = propsOf(item);
  const written = item.value && endOf(item.value) > item.value.offset ? item.value : undefined;
  const oneLine = inFlow(rest, value);
  if (!written && props.length === 0) {
    if (map.type === 'flow-collection' || !colon) {
      if (map.type !== 'flow-collection') return null;
      return [insert(endOf(colon ?? item.key), `${colon ? '' : ':'} ${oneLine}`)];
    }
    const after = lineEnd(text, endOf(colon));
    if (rest.length > 0) return [linesAt(after, rest, map.indent + writing.step, writing)];
    const content = contentAt(after, map.indent + writing.step, writing);
    return content === null ? [insert(endOf(colon), ` ${oneLine}`)] : [insert(endOf(colon), ' !vault |'), content];
  }
  const start = Math.min(...[...props, ...(written ? [written] : [])].map(({ offset }) => offset));
  const end = written ? endOf(written) : Math.max(...props.map(endOf));
  if (written?.type === 'block-scalar') {
    const header = written.props.find(({ type }) => type === 'block-scalar-header');
    const source = end - written.source.length;
    if (!header || rest.length > 0) return null;
    const content = contentAt(end, map.indent + writing.step, writing);
    return [
      { at: start, end: endOf(header), text: content === null ? oneLine : '!vault |' },
      { at: source, end, text: content === null ? '' : content.text },
    ];
  }
  const content =
    map.type === 'block-map' && rest.length === 0
      ? contentAt(lineEnd(text, end), map.indent + writing.step, writing)
      : null;
  if (content === null) return [{ at: start, end, text: oneLine }];
  return [{ at: start, end, text: '!vault |' }, content];
}

/** The lines of `!vault |`; null where they cannot stand, or are not wanted. */
function contentAt(at: number, indent: number, { text, value, blocks, eol }: Writing): Splice | null {
  if (value.kind !== 'vault' || !blocks || takesIn(text.slice(at), indent)) return null;
  return insertLines(at, vaultLines(value.ciphertext, indent), text, eol);
}

/** `keying:`, `psk: …` and so on, each on a line of its own. */
function linesAt(at: number, keys: Pointer, indent: number, writing: Writing): Splice {
  const { text, value, blocks, eol, step } = writing;
  const lines = keys.map((key, depth) => `${' '.repeat(indent + depth * step)}${keyText(key)}:`);
  const deepest = indent + keys.length * step;
  const asBlock = value.kind === 'vault' && blocks && !takesIn(text.slice(at), deepest);
  const last = `${lines.pop()} ${asBlock ? '!vault |' : inFlow([], value)}`;
  return insertLines(at, [...lines, last, ...(asBlock ? vaultLines(value.ciphertext, deepest) : [])], text, eol);
}

function insertLines(at: number, lines: readonly string[], text: string, eol: string): Splice {
  const complete = at === 0 || text[at - 1] === '\n';
  return insert(
    at,
    complete ? lines.map((line) => `${line}${eol}`).join('') : lines.map((line) => `${eol}${line}`).join(''),
  );
}

function vaultLines(ciphertext: string, indent: number): readonly string[] {
  const lines = ciphertext.trimEnd().split(/\r?\n/);
  return lines.map((line) => `${' '.repeat(indent)}${line}`);
}

/** True when a block of lines, indented by `indent`, would go on in what stands below: comments and blanks as deep. */
function takesIn(below: string, indent: number): boolean {
  for (const line of below.split(/\r?\n/)) {
    const depth = line.search(/[^ ]/);
    if (depth === -1 ? line.length > indent : depth >= indent) return true;
    if (depth !== -1 && line[depth] !== '#') return false;
  }
  return false;
}

function inFlow(keys: Pointer, value: NewValue): string {
  const [key, ...rest] = keys;
  if (key !== undefined) return `{ ${keyText(key)}: ${inFlow(rest, value)} }`;
  return value.kind === 'scalar' ? value.yaml : `!vault ${JSON.stringify(`${value.ciphertext.trimEnd()}\n`)}`;
}

function keyText(key: string | number): string {
  const word = String(key);
  const plain = /^[A-Za-z][\w.-]*$/.test(word) && !/^(?:y|n|yes|no|on|off|true|false|null)$/i.test(word);
  return plain ? word : JSON.stringify(word);
}

/** Behind the end of the line that `at` is in, or the end of the text. */
function lineEnd(text: string, at: number): number {
  if (at > 0 && text[at - 1] === '\n') return at;
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}

function insert(at: number, text: string): Splice {
  return { at, end: at, text };
}
