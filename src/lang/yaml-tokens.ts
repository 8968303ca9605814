import type { CST } from 'yaml';

/** Where a token's text ends, comments and blanks behind it left out. */
export function endOf(token: CST.Token | CST.SourceToken): number {
  switch (token.type) {
    case 'block-scalar':
      return Math.max(...token.props.map((prop) => endOf(prop))) + token.source.length;
    case 'flow-collection':
      return Math.max(...[token.start, ...token.end].filter(({ type }) => !isFiller(type)).map((each) => endOf(each)));
    case 'block-map':
    case 'block-seq':
      return Math.max(token.offset, ...token.items.map((item) => endOfItem(item)));
    default:
      return token.offset + ('source' in token ? token.source.length : 0);
  }
}

/** Where the last thing of an item ends: its value, or its tag and anchor, or its colon, or its key. */
export function endOfItem(item: CST.CollectionItem): number {
  const parts = [
    ...item.start,
    ...(item.key ? [item.key] : []),
    ...(item.sep ?? []),
    ...(item.value ? [item.value] : []),
  ];
  return Math.max(0, ...parts.filter(({ type }) => !isFiller(type) && type !== 'comma').map((part) => endOf(part)));
}

/** The tag and the anchor of an item's value. */
export function propsOf(item: CST.CollectionItem): readonly CST.SourceToken[] {
  return (item.sep ?? []).filter(({ type }) => type === 'tag' || type === 'anchor');
}

function isFiller(type: string): boolean {
  return type === 'space' || type === 'newline' || type === 'comment';
}
