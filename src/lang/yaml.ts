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
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import type { Span } from '../model/span.ts';
import { type Diagnostic, error } from './diagnostic.ts';
import { type Source, spanOf } from './source.ts';
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
 * diagnostics; `document` is null when nothing usable is left.
 */
export function parseYaml(source: Source): {
  readonly document: Located | null;
  readonly diagnostics: readonly Diagnostic[];
} {
  const parsed = parseDocument(source.text, {
    version: '1.1',
    uniqueKeys: true,
    prettyErrors: false,
    customTags: ansibleTags,
  });
  const aliases = resolveAliases(parsed as unknown as Document);
  const faults = [...parsed.errors, ...parsed.warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED')];
  const diagnostics = [...faults.map((fault) => explain(fault, source)), ...danglingAliases(aliases, source)];
  if (diagnostics.length > 0) return { document: null, diagnostics };
  try {
    return { document: located(parsed as unknown as Document, source, aliases), diagnostics };
  } catch (fault) {
    // yaml throws here, and only here, on aliases that multiply without end and on a merge key that holds no mapping
    const why = fault instanceof Error ? fault.message : String(fault);
    const span = spanOf(source, 0, 0);
    return { document: null, diagnostics: [error('yaml-syntax', `this document cannot be read: ${why}`, { span })] };
  }
}

/** What each alias stands for: the nearest node before it with that anchor. */
type Aliases = ReadonlyMap<Alias, Node | undefined>;

/** One walk for all of them; the library's own `resolve` walks the document anew for each. */
function resolveAliases(document: Document): Aliases {
  const anchors = new Map<string, Node>();
  const aliases = new Map<Alias, Node | undefined>();
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node)) aliases.set(node, anchors.get(node.source));
      else if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return aliases;
}

/** The library finds them only when it makes values, and then quotes the text, which may be a secret that begins with *. */
function danglingAliases(aliases: Aliases, source: Source): readonly Diagnostic[] {
  const dangling = [...aliases].filter(([, target]) => target === undefined);
  return dangling.map(([alias]) => {
    const fix = 'quote a text that begins with *';
    return error('yaml-alias', 'no anchor of this name stands before it', { span: rangeSpan(alias, source), fix });
  });
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
      const pair = pairsOf(aliases, value).get(String(step));
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
    else pairs.set(String(pair.key.value), pair);
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
  return isAlias(node) ? (aliases.get(node) ?? node) : node;
}

function rangeSpan(node: Node | null, source: Source): Span {
  const range = isNode(node) ? node.range : null;
  if (!range) return spanOf(source, 0, 0);
  return spanOf(source, range[0], Math.max(range[1], range[0]));
}

function explain(fault: YAMLError, source: Source): Diagnostic {
  const span = spanOf(source, fault.pos[0], fault.pos[1]);
  if (fault.code === 'DUPLICATE_KEY') {
    return error('yaml-duplicate-key', 'this key stands twice in the same mapping', { span, fix: 'keep one of them' });
  }
  if (fault.code === 'TAB_AS_INDENT') {
    return error('yaml-tab', 'a tab is used for indentation', { span, fix: 'indent with spaces' });
  }
  if (fault.code === 'TAG_RESOLVE_FAILED') {
    return error('yaml-tag', 'this tag is not known', { span, fix: 'leave the tag out; known are !vault and !unsafe' });
  }
  // the message would quote the text after the asterisk, which may be a secret that begins with one
  if (fault.code === 'BAD_ALIAS') {
    return error('yaml-alias', 'no anchor of this name stands before it', {
      span,
      fix: 'quote a text that begins with *',
    });
  }
  return error('yaml-syntax', fault.message.replace(/\n[\s\S]*$/, ''), { span });
}
