import { contains } from '../../../../model/subnet.ts';
import type { Packet } from './packets.ts';
import { type Finding, failed, type View } from './view.ts';

/**
 * Packets that the tunnel should have carried, on the outside device in clear. Only what leaves is a leak: what arrived is
 * shown a second time after it was decrypted, and a LAN on the same device sends in clear what is encrypted only here.
 */
export function clearText(here: View): Finding | null {
  const { end, seen, traffic } = here;
  const { tunnel, src, dst } = end;
  const clear = seen.wire.packets.filter((packet) => packet.kind === 'clear' && isOfTunnel(packet, here));
  const [first] = clear;
  if (first === undefined) return null;
  const packets = `packets for ${traffic.destination}`;
  const found = clear.find((packet) => leaves(packet, here));
  if (found === undefined) {
    const where = `pass ${seen.outside.device ?? 'the outside device'} in clear (${first.source} to ${first.destination})`;
    return {
      status: 'unknown',
      what: `${packets} ${where}, and nothing there tells whether they arrive or leave`,
    };
  }
  return failed(`${packets} leave in clear`, {
    code: 'clear-text',
    message: `${src.host} sends ${packets} in clear (${found.source} to ${found.destination})`,
    fix: dst.network
      ? `look for what changes their source, as NAT does, or a policy that lets them pass: setkey -DP on ${src.host}`
      : `look for a policy that lets them pass: setkey -DP on ${src.host}`,
    at: tunnel.at(),
  });
}

/**
 * Of networks, also what has another source, as after NAT. The peer's own address is pinged outside of the tunnel, unless
 * it is in the network itself. Between two hosts only what one of them sends: a router may pass on what others send.
 */
function isOfTunnel({ source, destination }: Packet, here: View): boolean {
  const { traffic, end } = here;
  const { src, dst } = end;
  if (!src.network || !dst.network) return destination === traffic.peer && isOwn(source, here);
  if (!contains(dst.network, destination)) return false;
  return destination !== traffic.peer ? source !== traffic.peer : contains(src.network, source);
}

/** Where tcpdump could not ask for what leaves alone: nothing arrives from this host itself, nor from a LAN on another device. */
function leaves({ source }: Packet, here: View): boolean {
  const { end, seen } = here;
  if (seen.onlyLeaving || isOwn(source, here)) return true;
  const isLanElsewhere = seen.way.device !== null && seen.way.device !== seen.outside.device;
  return isLanElsewhere && end.src.network !== undefined && contains(end.src.network, source);
}

function isOwn(source: string, { end, seen }: View): boolean {
  return [end.src.address, end.src.gateway, seen.outside.source].includes(source);
}
