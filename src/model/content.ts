import { reveal, Secret } from './secret.ts';

/**
 * The content of a file as bytes, one UTF-16 unit a byte ("latin1"), so that what somebody else wrote in it survives in
 * whatever encoding it is. Some parts may be secret. Text of ours becomes content through {@link toBytes}.
 */
export type Content = readonly (string | Secret)[];

/** Text as the bytes of its UTF-8 form. */
export function toBytes(text: string): string {
  // Nearly all of it, and asked for each word of each script.
  if (/^[\0-\x7f]*$/.test(text)) return text;
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Bytes as text: UTF-8 where they are valid UTF-8, else one character a byte. */
export function fromBytes(bytes: string): string {
  const buffer = Buffer.from(bytes, 'latin1');
  const text = buffer.toString('utf8');
  return Buffer.from(text, 'utf8').equals(buffer) ? text : bytes;
}

/** True when some part of `content` is secret. */
export function isSensitive(content: Content): boolean {
  return content.some((part) => part instanceof Secret);
}

/** The whole text: a string where nothing in it is secret, else one Secret. */
export function joined(content: Content): string | Secret {
  const text = content.map((part) => (typeof part === 'string' ? part : reveal(part))).join('');
  return isSensitive(content) ? Secret.around(text) : text;
}

/** True when both texts are the same, however their parts are cut. */
export function sameContent(a: Content, b: Content): boolean {
  return plain(a) === plain(b);
}

/** Content from a template, whose text is ASCII and whose values are bytes. `content\`IKE_PSK=${psk}\n\`` */
export function content(literals: TemplateStringsArray, ...values: (string | number | Secret | Content)[]): Content {
  const parts: (string | Secret)[] = [];
  literals.forEach((literal, index) => {
    if (literal !== '') parts.push(literal);
    const value = values[index];
    if (value === undefined) return;
    if (typeof value === 'number') parts.push(String(value));
    else if (typeof value === 'string' || value instanceof Secret) parts.push(value);
    else parts.push(...value);
  });
  return parts;
}

function plain(content: Content): string {
  const text = joined(content);
  return typeof text === 'string' ? text : reveal(text);
}
