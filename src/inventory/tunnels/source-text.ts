import { Verbatim } from '../../lang/verbatim.ts';
import type { Located, Pointer } from '../../lang/yaml.ts';
import { Secret } from '../../model/secret.ts';

/**
 * The document with all that is a text read as a text: `psk: 12345678`, `spi: 0x200` and `key: yes` written without
 * quotes are what stands in the file, never a number or a boolean.
 */
export function withSourceTexts(document: Located): Located {
  return { ...document, value: convert(document, document.value, [], false) };
}

/** The document without the texts below `keying`, for what quotes values in messages. `x509` holds names alone. */
export function withoutKeys(document: Located): Located {
  return {
    ...document,
    value: conceal(document.value, []),
    sourceText: (pointer) => (pointer.includes('keying') ? undefined : document.sourceText(pointer)),
  };
}

function conceal(value: unknown, pointer: Pointer): unknown {
  if (Array.isArray(value)) return value.map((item, index) => conceal(item, [...pointer, index]));
  if (isPlainMapping(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, conceal(inner, [...pointer, key])]));
  }
  const hidden = typeof value === 'string' && pointer.includes('keying') && !pointer.includes('x509');
  return hidden ? new Secret('') : value;
}

/** What stands below these keys is text. Nothing but a text below `keying` can be empty. */
const TEXT_KEYS = new Set(['keying', 'nickname', 'address', 'network', 'gateway', 'hub', 'spokes', 'members']);

/** racoon.conf's own settings are read by the backend. */
const FOREIGN_KEY = 'racoon';

function convert(document: Located, value: unknown, pointer: Pointer, text: boolean): unknown {
  if (value instanceof Verbatim) return convert(document, value.value, pointer, text);
  if (Array.isArray(value)) return value.map((item, index) => convert(document, item, [...pointer, index], text));
  if (isPlainMapping(value)) {
    const entries = Object.entries(value).map(([key, inner]): [string, unknown] => {
      if (pointer.length === 0 && key === FOREIGN_KEY) return [key, inner];
      return [key, convert(document, inner, [...pointer, key], text || (pointer.length > 0 && TEXT_KEYS.has(key)))];
    });
    return Object.fromEntries(entries);
  }
  if (!text || typeof value === 'string' || typeof value === 'object') {
    // `psk: ~` and `psk: null` are as empty as `psk:`
    const nothing = value === null && pointer.slice(0, -1).includes('keying') && pointer.at(-1) !== 'x509';
    return nothing ? '' : value;
  }
  return document.sourceText(pointer) ?? value;
}

function isPlainMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
