import type { Located } from '../../lang/yaml.ts';
import { Secret } from '../../model/secret.ts';
import type { Keying, ManualSas } from '../../model/tunnel.ts';
import { isUnopened } from '../../model/unopened.ts';
import { derivePsk } from '../../secrets/derive.ts';
import type { SecretSpec } from '../../secrets/secret-spec.ts';
import type { KeyingSpec } from './keying.ts';
import { manualSas } from './manual-keys.ts';
import type { Report } from './origin.ts';
import type { Settings } from './settings.ts';

/** The keying of a pair of hosts, or null when a secret of it is not to be had. */
export type KeyingOf = (a: string, b: string) => Keying | null;

/** Puts the fetched secrets in their places. What can be shared by all tunnels of an entry is made once. */
export function buildKeying(
  spec: KeyingSpec,
  settings: Settings,
  secrets: ReadonlyMap<SecretSpec, Secret>,
  document: Located,
  report: Report,
): KeyingOf {
  if (spec.method === 'x509') {
    const name = (host: string) => spec.certificates.get(host) ?? host;
    return (a, b) => ({ method: 'x509', certificates: [name(a), name(b)], peer: spec.peer });
  }
  if (spec.method === 'none') return () => ({ method: 'psk', psk: NO_KEY });
  if (settings.state === 'absent') return () => withoutSecrets(spec);
  if (spec.method === 'manual') {
    const [first, second] = spec.sent.map((sent) => manualSas(sent, settings, secrets, document, report));
    const keying: Keying | null = first && second ? { method: 'manual', sent: [first, second] } : null;
    return () => keying;
  }
  const secret = secrets.get(spec.psk);
  if (!secret) return () => null;
  if (spec.psk.kind === 'derive' && !isUnopened(secret))
    return (a, b) => ({ method: 'psk', psk: derivePsk(secret, [a, b]) });
  const keying: Keying = { method: 'psk', psk: secret };
  return () => keying;
}

/** An absent tunnel's keys are not asked for: they are removed, whatever they are. */
function withoutSecrets(spec: KeyingSpec & { method: 'psk' | 'manual' }): Keying {
  if (spec.method === 'psk') return { method: 'psk', psk: NO_KEY };
  const [first, second] = spec.sent.map(
    ({ ah, esp }): ManualSas => ({
      ...(ah ? { ah: { spi: ah.spi, key: NO_KEY } } : {}),
      ...(esp ? { esp: { spi: esp.spi, key: NO_KEY } } : {}),
    }),
  );
  return { method: 'manual', sent: [first ?? {}, second ?? {}] };
}

const NO_KEY = new Secret('');
