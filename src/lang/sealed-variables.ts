import { Secret } from '../model/secret.ts';
import { hasTemplate } from './jinja/parse.ts';
import { SecretTemplate } from './secret-template.ts';
import { isSensitiveKey } from './sensitive-keys.ts';
import { Verbatim } from './verbatim.ts';
import type { Located } from './yaml.ts';

/**
 * The variables of a file, where those of one that was encrypted are secret: all texts but those that say how a host is
 * reached (`ansible_host`), where its tunnels end (`ipsec_network`), and `settings`, which stand in files and messages.
 */
export function sealedVariables(document: Located, settings: readonly string[] = []): Located {
  const { value, source } = document;
  if (source.sealed !== true || !isMapping(value)) return document;
  const entries = Object.entries(value).map(([key, inner]) => [
    key,
    conceal(inner, !isPublic(key) && !settings.includes(key), isSensitiveKey(key)),
  ]);
  return { ...document, value: Object.fromEntries(entries) };
}

/** Every text below that is secret, for a redactor. */
export function secretsIn(value: unknown): readonly Secret[] {
  if (value instanceof Secret) return [value];
  if (Array.isArray(value)) return value.flatMap(secretsIn);
  return isMapping(value) ? Object.values(value).flatMap(secretsIn) : [];
}

function isPublic(key: string): boolean {
  return /^(?:ansible|ipsec)_/.test(key) && !isSensitiveKey(key);
}

/** `password`: what is below the name of one. Of other numbers some are calculated with, which a secret text is not fit for. */
function conceal(value: unknown, secret: boolean, password: boolean): unknown {
  if (typeof value === 'string') {
    if (!secret) return value;
    return hasTemplate(value) ? new SecretTemplate(value) : new Secret(value);
  }
  if (typeof value === 'number' && password) return new Secret(String(value));
  if (value instanceof Verbatim) return secret && typeof value.value === 'string' ? new Secret(value.value) : value;
  if (Array.isArray(value)) return value.map((item) => conceal(item, secret, password));
  if (!isMapping(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => {
    const isPassword = password || isSensitiveKey(key);
    return [key, conceal(inner, secret || isPassword, isPassword)];
  });
  return Object.fromEntries(entries);
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
