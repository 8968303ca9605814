import { path, type Script, sh } from '../../src/engine/sh.ts';
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

/**
 * ifup makes a peer's file anew only when it is older than the ifcfg file, which it is not where both came in one second,
 * or the host's clock was set back. Without the file it makes one in any case.
 */
export function forgetStale(peer: string, ifcfg: string): Script {
  const file = phase1File(peer);
  return sh`if [ -f ${path(file)} ] && [ ! ${path(ifcfg)} -nt ${path(file)} ]; then rm -f ${path(file)}; fi
`;
}

/** Runs ifdown where another connection needs the peer's line in racoon.conf, which ifdown takes away for all of them. */
export function keepingListed(peer: string, ifdown: Script): Script {
  const line = `include "${phase1File(peer)}";`;
  return sh`listed=
if grep -F -x -q ${line} ${path(RACOON_CONF)} 2>/dev/null; then listed=yes; fi
${ifdown}
if [ -n "$listed" ] && ! grep -F -x -q ${line} ${path(RACOON_CONF)}; then
  ip_put ${path(RACOON_CONF)} 0600 '' "$(cat ${path(RACOON_CONF)})
"${line}'
'
  killall -HUP racoon 2>/dev/null || :
fi
`;
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
