import { error } from '../../lang/diagnostic.ts';
import type { Located } from '../../lang/yaml.ts';
import { readSecret, type SecretSpec } from '../../secrets/secret-spec.ts';
import { type CertificateSpec, readCertificates } from './certificates.ts';
import { type ManualSpec, readManual } from './manual.ts';
import type { Member } from './members.ts';
import { type Field, fieldOf, isMapping, nameSpan, type Origin, type Report, titleOf } from './origin.ts';

/** How the tunnels of an entry are keyed, the secrets not fetched yet. */
export type KeyingSpec =
  | { readonly method: 'psk'; readonly psk: SecretSpec }
  | ManualSpec
  | CertificateSpec
  /** Of an absent tunnel nothing needs to be known. */
  | { readonly method: 'none' };

const KEYING_METHODS = ['psk', 'manual', 'x509'] as const;
export type KeyingMethod = (typeof KEYING_METHODS)[number];

/** The one way of keying that an entry or the defaults name; null when there is not exactly one, which is reported. */
export function keyingMethod(origin: Origin, document: Located, report: Report): KeyingMethod | null {
  const keying = fieldOf(origin, 'keying');
  if (keying !== undefined && !isMapping(keying.value)) return null;
  const methods = KEYING_METHODS.filter((method) => isMapping(keying?.value) && Object.hasOwn(keying.value, method));
  const [method] = methods;
  if (method !== undefined && methods.length === 1) return method;
  if (keying === undefined && isAbsent(origin)) return null;
  const several = methods.length > 1;
  const message = several
    ? `${titleOf(origin)} is keyed by ${methods.join(' and ')} at once`
    : `${titleOf(origin)} does not say how it is keyed`;
  report(
    error(several ? 'keying-many' : 'keying-missing', message, {
      span: keying ? document.keySpan(keying.pointer) : nameSpan(document, origin),
      fix: several ? 'keep one of them' : 'keying: { psk: ... }, { manual: ... } or { x509: ... }',
    }),
  );
  return null;
}

/** Reads the keying of an entry; null when it cannot be used, which is reported. */
export function readKeying(
  origin: Origin,
  method: KeyingMethod | null,
  members: readonly Member[],
  document: Located,
  report: Report,
): KeyingSpec | null {
  const keying = fieldOf(origin, 'keying');
  if (method === null || !keying || !isMapping(keying.value)) return isAbsent(origin) ? { method: 'none' } : null;
  const field: Field = { value: keying.value[method], pointer: [...keying.pointer, method] };
  if (method === 'manual') return readManual(origin, field, members, document, report);
  if (method === 'x509') return readCertificates(origin, field, members, document, report);
  const psk = readSecret(document, field.value, field.pointer, { derive: true, report });
  return psk && { method, psk };
}

/** The secrets that must be fetched: none of an absent tunnel, whose sources may be gone too. */
export function secretsOf(spec: KeyingSpec): readonly SecretSpec[] {
  if (spec.method === 'psk') return [spec.psk];
  if (spec.method !== 'manual') return [];
  return spec.sent.flatMap(({ ah, esp }) =>
    [ah?.key, esp?.key, esp?.authenticationKey].filter((secret) => secret !== undefined),
  );
}

export function isAbsent(origin: Origin): boolean {
  return fieldOf(origin, 'state')?.value === 'absent';
}
