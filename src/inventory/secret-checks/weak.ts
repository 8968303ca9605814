import { type Diagnostic, warning } from '../../lang/diagnostic.ts';
import type { Located } from '../../lang/yaml.ts';
import { reveal, type Secret } from '../../model/secret.ts';
import type { SecretSpec } from '../../secrets/secret-spec.ts';
import { manualKeyWeakness, pskWeakness } from '../../secrets/weakness.ts';
import { describePlace, keygenFix } from './places.ts';

/** Keys that are easy to guess, wherever they come from. Of derived ones their master counts. */
export function weakSecrets(keys: ReadonlyMap<SecretSpec, Secret>, document: Located): readonly Diagnostic[] {
  // Thousands of tunnels may have one master.
  const pskWeaknesses = new Map<string, string | null>();
  const weaknessOf = (psk: Secret) => {
    const text = reveal(psk);
    const weakness = pskWeaknesses.has(text) ? (pskWeaknesses.get(text) ?? null) : pskWeakness(psk);
    pskWeaknesses.set(text, weakness);
    return weakness;
  };
  return [...keys].flatMap(([spec, secret]) => {
    const { pointer } = spec;
    const manual = pointer[pointer.indexOf('keying') + 1] === 'manual';
    const weakness = manual ? manualKeyWeakness(secret) : weaknessOf(secret);
    if (weakness === null) return [];
    const place = SOURCES.has(String(pointer.at(-1))) ? pointer.slice(0, -1) : pointer;
    return [
      warning('secret-weak', `${describePlace(place)} ${weakness}, and can be guessed`, {
        span: document.span(pointer),
        fix: livesElsewhere(spec) ? 'a random one there, such as openssl rand -hex 24 makes' : keygenFix(pointer),
      }),
    ];
  });
}

const SOURCES = new Set(['env', 'file', 'command']);

function livesElsewhere(spec: SecretSpec): boolean {
  return SOURCES.has(spec.kind === 'derive' ? spec.master.kind : spec.kind);
}
