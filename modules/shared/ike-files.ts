import { type FileState, fileResource, type HostState, resourceKind } from '../../src/model/host-state.ts';
import type { OwnConnection } from './connection-files.ts';
import { includesOfIfup } from './racoon-text.ts';
import { raisedResource } from './raised.ts';

/**
 * By peer: ifdown takes its include line out of racoon.conf, also where another connection to the same peer needs it.
 * For the tasks after it; a new probe drops it.
 */
export const unlistedResource = resourceKind<true>('ike-unlisted');

/** What ifup writes for a peer with automatic keying: phase 1 in a file of its own, and its include in racoon.conf. */
export function ikeFiles(peer: string): readonly string[] {
  return /^[\d.]+$/.test(peer) ? [RACOON_CONF, phase1File(peer)] : [];
}

/** Whether racoon can negotiate with the peer, or will after what is planned so far; true where nobody read its files. */
export function isListed(peer: string, connection: OwnConnection, state: HostState): boolean {
  if (!usesIke(connection) || state.get(raisedResource, peer)) return true;
  if (state.get(unlistedResource, peer)) return false;
  const [conf, phase1] = [RACOON_CONF, phase1File(peer)].map((name) => state.get(fileResource, name));
  if (conf === undefined || phase1 === undefined) return true;
  return phase1.kind !== 'absent' && includes(conf, phase1File(peer));
}

function includes(conf: FileState, file: string): boolean {
  if (conf.kind !== 'file') return false;
  return conf.bytes === undefined || includesOfIfup(conf.bytes).includes(file);
}

/** As ifup-ipsec concludes it. */
function usesIke({ variables }: OwnConnection): boolean {
  const telling = ['IKE_METHOD', 'IKE_PSK', 'IKE_CERTFILE', 'IKE_PEER_CERTFILE', 'IKE_DNSSEC'];
  return telling.some((name) => variables.has(name));
}

const RACOON_CONF = '/etc/racoon/racoon.conf';

function phase1File(peer: string): string {
  return `/etc/racoon/${peer}.conf`;
}
