import { keyPlaceholder } from '../model/agreement.ts';
import { Secret } from '../model/secret.ts';
import type { ManualSas, Tunnel } from '../model/tunnel.ts';

/**
 * The tunnel with a placeholder for each key. Everything that a page shows is made from this, so that no key can get into
 * it, whatever else goes wrong.
 */
export function withPlaceholders(tunnel: Tunnel): Tunnel {
  const { keying, ends } = tunnel;
  if (keying.method === 'x509') return tunnel;
  if (keying.method === 'psk') return { ...tunnel, keying: { ...keying, psk: shown(keyPlaceholder('psk', '')) } };
  const [first, second] = keying.sent;
  return {
    ...tunnel,
    keying: { method: 'manual', sent: [hidden(first, ends[0].host), hidden(second, ends[1].host)] },
  };
}

function hidden({ ah, esp }: ManualSas, host: string): ManualSas {
  return {
    ...(ah && { ah: { spi: ah.spi, key: shown(keyPlaceholder('ah', host)) } }),
    ...(esp && {
      esp: {
        spi: esp.spi,
        key: shown(keyPlaceholder('esp', host)),
        ...(esp.authenticationKey && { authenticationKey: shown(keyPlaceholder('esp-authentication', host)) }),
      },
    }),
  };
}

/** Not a known secret: the word itself is to be shown. */
function shown(placeholder: string): Secret {
  return Secret.around(placeholder);
}
