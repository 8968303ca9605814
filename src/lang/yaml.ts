import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import type { Span } from '../model/span.ts';
import { type Diagnostic, error } from './diagnostic.ts';
import { type Source, spanOf } from './source.ts';
import { noVault, type OpenVault } from './vaulted.ts';
import { explainYaml, leavesDocument, REPEATED_KEY, type YamlFault } from './yaml-faults.ts';
import { ansibleTags } from './yaml-tags.ts';

export { Vaulted } from './vaulted.ts';

/** Where in a document: keys and indexes from the root. */
export type Pointer = readonly (string | number)[];

/** A parsed document: plain values, and for every one of them its place in the text. */
export interface Located {
  readonly source: Source;
  readonly value: unknown;
  /** The place of a value; where there is none, that of the nearest value around it. */
  span(pointer: Pointer): Span;
  /** The place of a mapping's key. */
  keySpan(pointer: Pointer): Span;
  /** A scalar as the user wrote it, without quotes: `0x200`, `yes`, `12345678`. */
  sourceText(pointer: Pointer): string | undefined;
  /** A mapping's key as YAML reads it: the number 10 for `10:`, though `value` can only hold the string. */
  key(pointer: Pointer): unknown;
  /** A mapping's key as the user wrote it. */
  keyText(pointer: Pointer): string | undefined;
}

/**
 * Parses YAML 1.1 as Ansible reads it (`yes` is true, `0644` is octal). Everything wrong with the syntax comes back as
 * diagnostics; `document` is null when nothing usable is left. `open` is for the `!vault` values in it.
 */
export function parseYaml(
  source: Source,
  open: OpenVault = noVault,
): {
  readonly document: Located | null;
  readonly diagnostics: readonly Diagnostic[];
} {
  const parsed = parseDocument(source.text, {
    version: '1.1',
    // Found in `survey`: the library compares each key with all others of its mapping, and a file may hold thousands of tunnels.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
    customTags: (tags) => ansibleTags(tags, open),
  });
  const { aliases, compoundKeys, repeatedKeys } = survey(parsed as unknown as Document);
  const unknownTags = parsed.warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED');
  const faults = [...parsed.errors, ...repeatedKeys, ...unknownTags];
  const fatal = [...misusedAliases(aliases, source), ...keysThatAreNoTexts(compoundKeys, source)];
  const diagnostics = [...faults.map((fault) => explainYaml(fault, source)), ...fatal];
  if (fatal.length > 0 || !faults.every(leavesDocument)) return { document: null, diagnostics };
  try {
    return { document: located(parsed as unknown as Document, source, aliases), diagnostics };
  } catch (fault) {
    // yaml throws here, and only here, on aliases that multiply without end and on a merge key that holds no mapping
    const [why, fix] = /alias count/i.test(String(fault))
      ? ['the aliases in this document stand for too much', 'fewer of them']
      : ['a merge key (<<) in this document holds no mapping', '<<: *NAME, with a mapping at &NAME'];
    return {
      document: null,
      diagnostics: [...diagnostics, error('yaml-syntax', why, { span: spanOf(source, 0, 0), fix })],
    };
  }
}

/** What each alias stands for: the nearest node before it with that anchor; `circle` when the alias stands inside it. */
type Aliases = ReadonlyMap<Alias, Node | 'circle' | undefined>;

interface Survey {
  readonly aliases: Aliases;
  readonly compoundKeys: readonly Node[];
  readonly repeatedKeys: readonly YamlFault[];
}

/**
 * One walk for all aliases, the library's own `resolve` walks the document anew for each; for keys that are no texts; and
 * for those that stand twice in a mapping. The library's `visit` makes a list of all that is around each node.
 */
function survey(document: Document): Survey {
  const anchors = new Map<string, Node>();
  const aliases = new Map<Alias, Node | 'circle' | undefined>();
  const compoundKeys: Node[] = [];
  const repeatedKeys: YamlFault[] = [];
  const around: Node[] = [];
  const look = (node: unknown): void => {
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      aliases.set(node, target && around.includes(target) ? 'circle' : target);
    } else if (isPair(node)) {
      if (isMap(node.key) || isSeq(node.key)) compoundKeys.push(node.key);
      look(node.key);
      look(node.value);
    } else if (isNode(node)) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      if (isMap(node)) addRepeated(node, repeatedKeys);
      if (!isMap(node) && !isSeq(node)) return;
      around.push(node);
      for (const item of node.items) look(item);
      around.pop();
    }
  };
  look(document.contents);
  return { aliases, compoundKeys, repeatedKeys };
}

/** Adds the keys that YAML reads as one and the same value: `10` and `0xa`, but not `10` and `"10"`. */
function addRepeated(map: YAMLMap, faults: YamlFault[]): void {
  if (map.items.length < 2) return;
  const seen = new Set<unknown>();
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    if (seen.has(key.value)) {
      const [start = 0] = key.range ?? [];
      faults.push({ code: REPEATED_KEY, message: 'Map keys must be unique', pos: [start, start + 1] });
    }
    seen.add(key.value);
  }
}

/** The library finds them only when it makes values, and then quotes the text, which may be a secret that begins with *. */
function misusedAliases(aliases: Aliases, source: Source): readonly Diagnostic[] {
  return [...aliases].flatMap(([alias, target]) => {
    const span = rangeSpan(alias, source);
    if (target === 'circle') {
      return [error('yaml-alias', 'this stands for something that it is itself a part of', { span, fix: 'the value' })];
    }
    if (target !== undefined) return [];
    const fix = 'quote a text that begins with *';
    return [error('yaml-alias', 'no anchor of this name stands before it', { span, fix })];
  });
}

/** `address: {{ host }}` without quotes is a mapping whose key is a mapping. */
function keysThatAreNoTexts(keys: readonly Node[], source: Source): readonly Diagnostic[] {
  const fix = 'a text; one that begins with {{ or [ stands in quotes';
  return keys.map((key) =>
    error('yaml-key', 'a mapping or list cannot be a key', { span: rangeSpan(key, source), fix }),
  );
}

function located(document: Document, source: Source, aliases: Aliases): Located {
  const nodeAt = (pointer: Pointer) => nearest(document, aliases, pointer);
  return {
    source,
    value: document.toJS({ maxAliasCount: 1000 }),
    span: (pointer) => rangeSpan(nodeAt(pointer).value, source),
    keySpan: (pointer) => {
      const { key, value } = nodeAt(pointer);
      return rangeSpan(key ?? value, source);
    },
    sourceText: (pointer) => {
      const { value, exact } = nodeAt(pointer);
      return exact && isScalar(value) ? (value.source ?? String(value.value)) : undefined;
    },
    key: (pointer) => {
      const { key, exact } = nodeAt(pointer);
      return exact && isScalar(key) ? key.value : undefined;
    },
    keyText: (pointer) => {
      const { key, exact } = nodeAt(pointer);
      return exact && isScalar(key) ? (key.source ?? String(key.value)) : undefined;
    },
  };
}

function nearest(
  document: Document,
  aliases: Aliases,
  pointer: Pointer,
): { key: Node | null; value: Node | null; exact: boolean } {
  let key: Node | null = null;
  let value: Node | null = resolveAlias(aliases, document.contents as Node | null);
  for (const step of pointer) {
    if (isMap(value)) {
      const pair = pairOf(aliases, value, String(step));
      if (!pair) return { key, value, exact: false };
      key = pair.key as Node;
      value = resolveAlias(aliases, (pair.value as Node | null) ?? key);
    } else if (isSeq(value)) {
      const item = value.items[Number(step)];
      if (item === undefined || isPair(item)) return { key, value, exact: false };
      key = null;
      value = resolveAlias(aliases, item as Node);
    } else return { key, value, exact: false };
  }
  return { key, value, exact: true };
}

/** A small mapping is searched: an index of each end of each tunnel would take more memory than all the rest. */
function pairOf(aliases: Aliases, map: YAMLMap, name: string): Pair | undefined {
  if (map.items.length > FEW) return pairsOf(aliases, map).get(name);
  let found: Pair | undefined;
  for (const pair of map.items) {
    if (!isScalar(pair.key)) continue;
    if (isMergeKey(pair.key.value) && isNode(pair.value)) return pairsOf(aliases, map).get(name);
    // of two with the same key the last one counts
    if (String(pair.key.value ?? '') === name) found = pair;
  }
  return found;
}

const FEW = 8;

/** The pairs of a mapping by their keys, merged ones (`<<`) included, made once: a file may hold thousands of tunnels. */
function pairsOf(aliases: Aliases, map: YAMLMap): ReadonlyMap<string, Pair> {
  const known = pairIndexes.get(map);
  if (known) return known;
  const pairs = new Map<string, Pair>();
  pairIndexes.set(map, pairs);
  const merged: Node[] = [];
  for (const pair of map.items) {
    if (!isScalar(pair.key)) continue;
    if (isMergeKey(pair.key.value) && isNode(pair.value)) merged.push(pair.value);
    else pairs.set(String(pair.key.value ?? ''), pair);
  }
  for (const source of merged) {
    const node = resolveAlias(aliases, source);
    for (const item of isSeq(node) ? node.items : [node]) {
      const other = isNode(item) ? resolveAlias(aliases, item) : null;
      if (!isMap(other)) continue;
      for (const [key, pair] of pairsOf(aliases, other)) if (!pairs.has(key)) pairs.set(key, pair);
    }
  }
  return pairs;
}

const pairIndexes = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();

/** The merge tag makes a symbol of its key. */
function isMergeKey(key: unknown): boolean {
  return key === '<<' || (typeof key === 'symbol' && key.description === '<<');
}

function resolveAlias(aliases: Aliases, node: Node | null): Node | null {
  if (!isAlias(node)) return node;
  const target = aliases.get(node);
  return target === undefined || target === 'circle' ? node : target;
}

function rangeSpan(node: Node | null, source: Source): Span {
  const range = isNode(node) ? node.range : null;
  if (!range) return spanOf(source, 0, 0);
  return spanOf(source, range[0], Math.max(range[1], range[0]));
}
