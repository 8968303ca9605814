import type { Content } from '../../../model/content.ts';
import type { Perspective, Tunnel } from '../../../model/tunnel.ts';
import { ifcfg } from './ifcfg.ts';
import { type Implied, implied } from './implied.ts';
import { keys } from './keys.ts';
import { IFUP_IPSEC, ifcfgPath, keysPath, peerConfPath } from './paths.ts';

/** The files of one end on its host. */
export interface ConnectionFiles {
  /** `sourced`: see the module `file`. */
  readonly ifcfg: { readonly path: string; readonly content: Content; readonly sourced: Implied };
  /** `null` content: there must be no such file. */
  readonly keys: { readonly path: string; readonly content: Content | null };
}

export function connectionFiles(end: Perspective): ConnectionFiles {
  const { nickname } = end.src;
  return {
    ifcfg: { path: ifcfgPath(nickname), content: ifcfg(end), sourced: implied(end) },
    keys: { path: keysPath(nickname), content: keys(end) },
  };
}

/** Arguments of the module `connection` for an end that shall be there, but for the state. */
export function connectionArgs(end: Perspective, files: ConnectionFiles, certificates: string, psk: string) {
  const { content } = files.keys;
  const written = { path: files.ifcfg.path, content: files.ifcfg.content };
  return {
    ...identity(end),
    files: content === null ? [written] : [written, { path: files.keys.path, content }],
    implied: files.ifcfg.sourced,
    requires: requirements(end, certificates),
    record: recordOf(end, psk),
  };
}

/** What the host is to remember of a connection that is created there. */
function recordOf({ tunnel, dst }: Perspective, psk: string) {
  const { method } = tunnel.keying;
  const common = { tunnel: tunnel.name, other: dst.host, keying: method };
  if (method === 'manual') return common;
  const conf = peerConfPath(dst.address);
  return method === 'psk' ? { ...common, psk, conf } : { ...common, conf };
}

/** Arguments of the module `connection` for an end that shall be gone; `shared`: another end that stays has its peer. */
export function goneArgs(end: Perspective, shared: boolean) {
  return { ...identity(end), state: 'absent', files: [], requires: [], ...(shared ? { shared } : {}) };
}

/**
 * What tells the connection from others. Its policies are found in the kernel by the peer, and between networks by both
 * networks; not by this host's own address, which `ifup` takes from the routing table and which NAT may have changed.
 */
export function identity({ tunnel, src, dst }: Perspective) {
  const networks = tunnel.type === 'network-to-network' && src.network && dst.network;
  return {
    nickname: src.nickname,
    onboot: tunnel.onboot,
    selectors: networks
      ? { dst: dst.address, srcnet: src.network.cidr, dstnet: dst.network.cidr }
      : { dst: dst.address },
    mode: networks ? 'tunnel' : 'transport',
    esp: protects(tunnel, 'esp'),
    ah: protects(tunnel, 'ah'),
  };
}

/** With manual keying only a protocol that has keys; with IKE both, unless switched off. */
function protects(tunnel: Tunnel, protocol: 'ah' | 'esp'): boolean {
  const { keying } = tunnel;
  return (
    tunnel[protocol] !== false && (keying.method !== 'manual' || keying.sent.some((sas) => sas[protocol] !== undefined))
  );
}

const SCRIPTS = {
  path: IFUP_IPSEC,
  why: `${IFUP_IPSEC} is not there: the network scripts of this host know no IPsec connections (RHEL 6 dropped them)`,
};

/** What must be on the host already, and why. */
function requirements({ tunnel: { keying }, index, src, dst }: Perspective, certificates: string) {
  if (keying.method !== 'x509') return [SCRIPTS];
  const [own, peer] = index === 0 ? keying.certificates : [keying.certificates[1], keying.certificates[0]];
  const needed = [
    SCRIPTS,
    { path: `${certificates}/${own}.public`, why: `it is the certificate of ${src.host}` },
    { path: `${certificates}/${own}.private`, why: `it is the private key of ${src.host}` },
  ];
  if (keying.peer !== 'file') return needed;
  return [...needed, { path: `${certificates}/${peer}.public`, why: `it is the certificate of ${dst.host}` }];
}
