import type { Content } from '../../../model/content.ts';
import type { Perspective } from '../../../model/tunnel.ts';
import { assign, assignments } from './assignment.ts';

/** `keys-NICK` of one end, or null where nothing in it is secret: with certificates the secret is the private key's file. */
export function keys({ tunnel: { keying }, index }: Perspective): Content | null {
  if (keying.method === 'x509') return null;
  if (keying.method === 'psk') return assignments([assign('IKE_PSK', keying.psk)]);
  const [sent, received] = index === 0 ? keying.sent : [keying.sent[1], keying.sent[0]];
  return assignments([
    assign('KEY_AH_IN', received.ah?.key),
    assign('KEY_AH_OUT', sent.ah?.key),
    assign('KEY_ESP_IN', received.esp?.key),
    assign('KEY_ESP_OUT', sent.esp?.key),
    assign('KEY_AESP_IN', received.esp?.authenticationKey),
    assign('KEY_AESP_OUT', sent.esp?.authenticationKey),
  ]);
}
