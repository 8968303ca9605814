import type { Located } from '../lang/yaml.ts';
import { Secret } from '../model/secret.ts';

/** Every secret that stands in a document as it is, whatever is wrong around it. */
export function literalSecrets(document: Located): readonly Secret[] {
  const found: Secret[] = [];
  collect(document.value, false, found);
  return found;
}

const KEYS = new Set(['psk', 'key', 'authentication_key', 'derive']);

function collect(value: unknown, secret: boolean, found: Secret[]): void {
  if (typeof value === 'string') {
    if (secret && value !== '') found.push(new Secret(value));
  } else if (Array.isArray(value)) {
    for (const item of value) collect(item, secret, found);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) collect(inner, KEYS.has(key), found);
  }
}
