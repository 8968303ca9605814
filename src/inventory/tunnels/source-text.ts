import { isPlainMapping, mapInner } from '../../lang/map-inner.ts';
import { Verbatim } from '../../lang/verbatim.ts';
import type { Located } from '../../lang/yaml.ts';
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
    value: conceal(document.value, false, false),
    sourceText: (pointer) => (pointer.includes('keying') ? undefined : document.sourceText(pointer)),
  };
}

function conceal(value: unknown, isKeying: boolean, isNames: boolean): unknown {
  return mapInner(value, (inner, key) => {
    const [below, named] = [isKeying || key === 'keying', isNames || key === 'x509'];
    if (typeof inner === 'string') return below && !named ? new Secret('') : inner;
    return conceal(inner, below, named);
  });
}

/** What stands below these keys is text. Nothing but a text below `keying` can be empty. */
const TEXT_KEYS = new Set(['keying', 'nickname', 'address', 'network', 'gateway', 'hub', 'spokes', 'members']);

/** racoon.conf's own settings are read by the backend. */
const FOREIGN_KEY = 'racoon';

/** `at`: the place of `value`; it is moved on, and back. */
function convert(document: Located, value: unknown, at: (string | number)[], text: boolean): unknown {
  if (value instanceof Verbatim) return convert(document, value.value, at, text);
  if (Array.isArray(value) || isPlainMapping(value)) {
    return mapInner(value, (inner, key) => {
      if (at.length === 0 && key === FOREIGN_KEY) return inner;
      const below = text || (at.length > 0 && TEXT_KEYS.has(String(key)));
      at.push(key);
      const converted = convert(document, inner, at, below);
      at.pop();
      return converted;
    });
  }
  if (!text || typeof value === 'string' || typeof value === 'object') {
    // `psk: ~` and `psk: null` are as empty as `psk:`
    const nothing = value === null && at.slice(0, -1).includes('keying') && at.at(-1) !== 'x509';
    return nothing ? '' : value;
  }
  return document.sourceText(at) ?? value;
}
