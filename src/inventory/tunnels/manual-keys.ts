import { type Diagnostic, error, warning } from '../../lang/diagnostic.ts';
import type { Located, Pointer } from '../../lang/yaml.ts';
import {
  type AlgorithmKind,
  hasRepeatedParts,
  isWeakDesKey,
  keyLengths,
  MANUAL_DEFAULTS,
} from '../../model/algorithms.ts';
import { parseManualKey } from '../../model/manual-key.ts';
import { reveal, type Secret } from '../../model/secret.ts';
import type { ManualSas } from '../../model/tunnel.ts';
import { isUnopened } from '../../model/unopened.ts';
import type { SecretSpec } from '../../secrets/secret-spec.ts';
import type { SentSpec } from './manual.ts';
import type { Report } from './origin.ts';
import type { Settings } from './settings.ts';

/** The SAs of one direction with their keys, each checked against its algorithm; null when a key is not to be had. */
export function manualSas(
  spec: SentSpec,
  settings: Settings,
  secrets: ReadonlyMap<SecretSpec, Secret>,
  document: Located,
  report: Report,
): ManualSas | null {
  let faulty = false;
  const keyOf = (secret: SecretSpec, pointer: Pointer, kind: AlgorithmKind, algorithm: string): Secret | null => {
    const key = secrets.get(secret) ?? null;
    const fault = key && !isUnopened(key) && keyFault(key, kind, algorithm, document, pointer);
    if (fault) report(fault);
    faulty ||= key === null || Boolean(fault);
    return key;
  };
  const { authentication: ahAlgorithm = MANUAL_DEFAULTS.authentication } = settings.ah || {};
  const espSettings = settings.esp || {};
  const { ah, esp } = spec;
  const ahKey = ah && keyOf(ah.key, [...spec.pointer, 'ah', 'key'], 'authentication', ahAlgorithm);
  const place = [...spec.pointer, 'esp'];
  const espKey =
    esp && keyOf(esp.key, [...place, 'key'], 'encryption', espSettings.encryption ?? MANUAL_DEFAULTS.encryption);
  const authentication = espSettings.authentication ?? MANUAL_DEFAULTS.authentication;
  const authenticationKey =
    esp?.authenticationKey &&
    keyOf(esp.authenticationKey, [...place, 'authentication_key'], 'authentication', authentication);
  if (esp && !esp.authenticationKey) {
    const fault = unauthenticated(espSettings.authentication, ah !== undefined, document, place);
    if (fault) report(fault);
    faulty ||= fault?.severity === 'error';
  }
  if (faulty) return null;
  return {
    ...(ah && ahKey ? { ah: { spi: ah.spi, key: ahKey } } : {}),
    ...(esp && espKey
      ? { esp: { spi: esp.spi, key: espKey, ...(authenticationKey ? { authenticationKey } : {}) } }
      : {}),
  };
}

/** What is wrong with a key for its algorithm, without a word of the key. */
function keyFault(
  key: Secret,
  kind: AlgorithmKind,
  algorithm: string,
  document: Located,
  pointer: Pointer,
): Diagnostic | null {
  const span = document.span(pointer);
  const parsed = parseManualKey(reveal(key));
  if ('fault' in parsed) {
    const message = {
      'hex-digits': 'this key begins with 0x and has a character that is no hexadecimal digit',
      'hex-odd': 'this key begins with 0x and has an odd number of hexadecimal digits',
      'hex-upper-prefix': 'this key begins with 0X, which the network scripts take for text',
      'text-characters': 'this key has a double quote or a control character, which setkey cannot take in a text',
    }[parsed.fault];
    return error('manual-key-form', message, { span, fix: '0x and hexadecimal digits, two a byte' });
  }
  const { bytes, form } = parsed;
  const lengths = keyLengths(kind, algorithm);
  if (!lengths.includes(bytes.length)) {
    const digits = reveal(key);
    const forgotten = form === 'text' && /^[0-9a-fA-F]+$/.test(digits) && lengths.includes(digits.length / 2);
    const message = `this ${form === 'text' ? 'text' : 'hexadecimal'} key has ${bytes.length} bytes, ${algorithm} takes ${choices(lengths)}`;
    return error('manual-key-length', message, {
      span,
      fix: forgotten ? '0x before these hexadecimal digits' : howToWrite(lengths),
    });
  }
  if (algorithm === '3des-cbc' && hasRepeatedParts(bytes)) {
    return error('manual-key-repeated', 'two of the three parts of this 3DES key are the same; the kernel refuses it', {
      span,
      fix: howToWrite(lengths),
    });
  }
  if (algorithm === 'des-cbc' && isWeakDesKey(bytes)) {
    return error('manual-key-weak', 'this is one of the weak keys of DES', { span, fix: howToWrite(lengths) });
  }
  return null;
}

function unauthenticated(
  algorithm: string | undefined,
  hasAh: boolean,
  document: Located,
  pointer: Pointer,
): Diagnostic | null {
  const span = document.keySpan(pointer);
  if (algorithm !== undefined) {
    return error('manual-key-missing', `ESP is to be authenticated by ${algorithm}, and this SA has no key for it`, {
      span,
      fix: 'authentication_key: 0x...',
    });
  }
  if (hasAh) return null;
  return warning(
    'manual-unauthenticated',
    'this SA is encrypted but not authenticated: packets can be altered unseen',
    {
      span,
      fix: 'authentication_key: 0x..., or an SA of AH beside it',
    },
  );
}

function howToWrite(lengths: readonly number[]): string {
  const length = lengths.at(-1) ?? 0;
  return `0x and ${length * 2} hexadecimal digits (openssl rand -hex ${length} makes some), or a text of ${length} characters`;
}

/** `24`, `16, 24 or 32`, `5 to 56`. */
function choices(lengths: readonly number[]): string {
  if (lengths.length > 3) return `${lengths[0]} to ${lengths.at(-1)}`;
  return lengths.length < 2 ? lengths.join('') : `${lengths.slice(0, -1).join(', ')} or ${lengths.at(-1)}`;
}
