import { type Diagnostic, error } from '../lang/diagnostic.ts';
import type { Located, Pointer } from '../lang/yaml.ts';
import type { ModuleRegistry } from './registry.ts';

/** What the readers of a playbook share: the document, and where they put what is wrong with it. */
export interface Reading {
  readonly document: Located;
  readonly registry: ModuleRegistry;
  readonly diagnostics: Diagnostic[];
}

export type Mapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is Mapping {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.getPrototypeOf(value) === Object.prototype
  );
}

/** A text; numbers and booleans are taken as the user wrote them. */
export function textField(reading: Reading, map: Mapping, key: string, at: Pointer): string | undefined {
  const value = map[key];
  if (value === undefined || value === null) return undefined;
  const text = asText(reading, value, [...at, key]);
  if (text === undefined) wrongType(reading, [...at, key], key, 'a text');
  return text;
}

export function booleanField(reading: Reading, map: Mapping, key: string, at: Pointer): boolean | undefined {
  const value = map[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string' && /^(yes|true|on)$/i.test(value)) return true;
  if (typeof value === 'string' && /^(no|false|off)$/i.test(value)) return false;
  wrongType(reading, [...at, key], key, 'true or false');
  return undefined;
}

/** A time in whole seconds. */
export function secondsField(reading: Reading, map: Mapping, key: string, at: Pointer): number | undefined {
  const value = map[key];
  if (value === undefined || value === null) return undefined;
  const seconds = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (Number.isSafeInteger(seconds) && (seconds as number) >= 0 && (seconds as number) <= LONGEST_TIMEOUT) {
    return seconds as number;
  }
  wrongType(reading, [...at, key], key, `a whole number of seconds, at most ${LONGEST_TIMEOUT}`);
  return undefined;
}

/** More seconds than these a timer of Node cannot count. */
export const LONGEST_TIMEOUT = 1_000_000;

/** A text or a list of texts. */
export function textsField(
  reading: Reading,
  map: Mapping,
  key: string,
  at: Pointer,
): readonly { text: string; at: Pointer }[] {
  const value = map[key];
  if (value === undefined || value === null) return [];
  const items = Array.isArray(value)
    ? value.map((item, index) => ({ item, place: [...at, key, index] }))
    : [{ item: value, place: [...at, key] }];
  return items.flatMap(({ item, place }) => {
    const text = asText(reading, item, place);
    if (text !== undefined) return [{ text, at: place }];
    wrongType(reading, place, key, 'a text or a list of texts');
    return [];
  });
}

/** `tags: a,b` is the same as `tags: [a, b]`. */
export function tagsField(reading: Reading, map: Mapping, at: Pointer): readonly string[] {
  const texts = textsField(reading, map, 'tags', at).flatMap(({ text }) => text.split(','));
  return unique(texts.map((text) => text.trim()).filter((text) => text !== ''));
}

export function mappingField(reading: Reading, map: Mapping, key: string, at: Pointer): Mapping {
  const value = map[key];
  if (value === undefined || value === null) return {};
  if (isMapping(value)) return value;
  wrongType(reading, [...at, key], key, 'a mapping');
  return {};
}

export function listField(reading: Reading, map: Mapping, key: string, at: Pointer): readonly unknown[] {
  const value = map[key];
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  wrongType(reading, [...at, key], key, 'a list');
  return [];
}

export function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}

export function wrongType(reading: Reading, at: Pointer, key: string, wanted: string): void {
  const { document, diagnostics } = reading;
  // what stands under these may be secret
  const found = key === 'vars' || key === 'args' ? undefined : document.sourceText(at);
  diagnostics.push(
    error('playbook-type', `"${key}" must be ${wanted}`, {
      span: document.span(at),
      fix: `write ${wanted}`,
      ...(found === undefined || found === '' ? {} : { found }),
    }),
  );
}

function asText(reading: Reading, value: unknown, at: Pointer): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return reading.document.sourceText(at) ?? String(value);
  return undefined;
}
