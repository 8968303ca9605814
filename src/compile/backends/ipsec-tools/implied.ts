import { MANUAL_DEFAULTS } from '../../../model/algorithms.ts';
import type { Perspective } from '../../../model/tunnel.ts';

export type Implied = Readonly<Record<string, string>>;

/**
 * What the network scripts conclude by themselves where an ifcfg file does not say it. Somebody who wrote it out, or left
 * out what is written here, means the same tunnel. Only where that is what the tunnel wants: another value is a difference.
 */
export function implied({ tunnel, src, dst }: Perspective): Implied {
  const { keying, ike, ah, esp, onboot } = tunnel;
  const isManual = keying.method === 'manual';
  const defaults = isManual
    ? { ah: MANUAL_DEFAULTS.authentication, esp: MANUAL_DEFAULTS.encryption, aesp: MANUAL_DEFAULTS.authentication }
    : { ah: 'sha1', esp: '3des', aesp: undefined };
  const entries: readonly (readonly [string, string | undefined])[] = [
    // `ip route get` gives the address that the peer knows this end by.
    ['SRC', src.address],
    ['SRCGW', src.gateway],
    // The scripts ask nobody for it: it is the other end's.
    ['DSTGW', dst.gateway],
    ['KEYING', isManual ? 'manual' : 'automatic'],
    ['IKE_METHOD', { psk: 'PSK', x509: 'X509', manual: undefined }[keying.method]],
    ['ONBOOT', onboot ? 'yes' : undefined],
    ['IKE_DHGROUP', isManual ? undefined : unless(ike.dhGroup?.toString(), '2')],
    ['AH_PROTO', ah === false ? (isManual ? 'none' : undefined) : unless(ah.authentication, defaults.ah)],
    ['ESP_PROTO', esp === false ? (isManual ? 'none' : undefined) : unless(esp.encryption, defaults.esp)],
    ['AESP_PROTO', esp === false ? undefined : unless(esp.authentication, defaults.aesp)],
  ];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** The default, unless something else is asked for. */
function unless(wanted: string | undefined, byDefault: string | undefined): string | undefined {
  return wanted === undefined || wanted === byDefault ? byDefault : undefined;
}
