import {
  Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  type ScalarTag,
  type YAMLError,
} from 'yaml';
import type { Span } from '../model/span.ts';
import { type Diagnostic, error } from './diagnostic.ts';
import { type Source, spanOf } from './source.ts';

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
}

/** A `!vault` value, still encrypted. */
export class Vaulted {
  readonly ciphertext: string;
  constructor(ciphertext: string) {
    this.ciphertext = ciphertext;
  }
}

/**
 * Parses YAML 1.1, which is what Ansible reads (`yes` is true, `0644` is octal). Everything wrong with the syntax comes
 * back as diagnostics; `document` is null when nothing usable is left.
 */
export function parseYaml(source: Source): { readonly document: Located | null; readonly diagnostics: readonly Diagnostic[] } {
  const parsed = parseDocument(source.text, {
    version: '1.1',
    uniqueKeys: true,
    prettyErrors: false,
    customTags: (tags) => [...tags, vaultTag],
  });
  const diagnostics = parsed.errors.map((fault) => explain(fault, source));
  if (diagnostics.length > 0) return { document: null, diagnostics };
  return { document: located(parsed as unknown as Document, source), diagnostics };
}

const vaultTag: ScalarTag = {
  tag: '!vault',
  resolve: (text) => new Vaulted(text),
  identify: (value) => value instanceof Vaulted,
};

function located(document: Document, source: Source): Located {
  const nodeAt = (pointer: Pointer) => nearest(document, pointer);
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
  };
}

function nearest(document: Document, pointer: Pointer): { key: Node | null; value: Node | null; exact: boolean } {
  let key: Node | null = null;
  let value: Node | null = resolveAlias(document, document.contents as Node | null);
  for (const step of pointer) {
    if (isMap(value)) {
      const pair = value.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
      if (!pair) return { key, value, exact: false };
      key = pair.key as Node;
      value = resolveAlias(document, (pair.value as Node | null) ?? key);
    } else if (isSeq(value)) {
      const item = value.items[Number(step)];
      if (item === undefined || isPair(item)) return { key, value, exact: false };
      key = null;
      value = resolveAlias(document, item as Node);
    } else return { key, value, exact: false };
  }
  return { key, value, exact: true };
}

function resolveAlias(document: Document, node: Node | null): Node | null {
  return isAlias(node) ? ((node.resolve(document) as Node | undefined) ?? node) : node;
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
  return error('yaml-syntax', fault.message.replace(/\n[\s\S]*$/, ''), { span });
}
