import { type Diagnostic, warning } from '../../../../lang/diagnostic.ts';
import type { Tunnel } from '../../../../model/tunnel.ts';
import { phase1Seen, protocolsSeen } from './effective.ts';
import type { EndSeen } from './end.ts';
import { variablePlace } from './place.ts';

/** Algorithms of a tunnel that can be broken today, and protection that is missing. It is taken over all the same. */
export function weaknesses(tunnel: Tunnel, { host, connection }: EndSeen): readonly Diagnostic[] {
  const { esp, hash, ah } = protocolsSeen(tunnel);
  const phase1 = tunnel.keying.method === 'manual' ? null : phase1Seen(tunnel);
  const found: (readonly [string, string])[] = [];
  const look = (value: string, variable: string, what: string) => {
    if (WEAK.test(value)) found.push([variable, `${value} for ${what}`]);
  };
  look(esp, 'ESP_PROTO', 'ESP');
  if (tunnel.keying.method === 'manual') look(hash, 'AESP_PROTO', 'the hash of ESP');
  look(ah, 'AH_PROTO', 'AH');
  if (phase1) {
    look(phase1.encryption, 'IKE_ENC', 'phase 1');
    look(phase1.hash, 'IKE_AUTH', 'the hash of phase 1');
    if (phase1.dhGroup === '1') found.push(['IKE_DHGROUP', 'Diffie-Hellman group 1 (768 bits)']);
  }
  if (esp === 'none') found.push(['ESP_PROTO', 'no encryption at all']);
  return found.map(([variable, what]) =>
    warning('import-weak', `${tunnel.name} uses ${what}`, {
      span: variablePlace(host, connection, variable),
      fix: 'after the import: a stronger one in tunnels.yml, applied to both ends',
    }),
  );
}

const WEAK = /^(des|md5|des-cbc|hmac-md5|blowfish (4\d|5\d|6\d|7\d|8\d|9\d|10\d|11\d|12[0-7]))$/;
