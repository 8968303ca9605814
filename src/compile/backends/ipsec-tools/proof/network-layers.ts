import { type Finding, failed, type View } from './view.ts';

/** The route of the other network, without which this host's own packets for it have the wrong source. */
export function routeLayer({ end, seen }: View): Finding {
  const { tunnel, src, dst } = end;
  if (!dst.network) return { status: 'skipped', what: 'between two hosts there is none' };
  if (seen.route !== null) return { status: 'ok', what: seen.route.split('\n', 1)[0]?.trim() ?? '' };
  if (seen.way.found === null) return { status: 'unknown', what: 'the routes could not be seen' };
  const what = `no route for ${dst.network.cidr}`;
  return failed(what, {
    code: 'route-missing',
    message: `${src.host} has ${what}`,
    fix: `bring ${src.nickname} up again: ifup ${src.nickname} on ${src.host} adds it`,
    at: tunnel.at('ends', dst.host, 'network'),
  });
}

export function forwardingLayer({ end, seen }: View): Finding {
  const { tunnel, src } = end;
  if (!src.network) return { status: 'skipped', what: 'a host is no router' };
  if (seen.forwarding === null) return { status: 'unknown', what: 'net.ipv4.ip_forward could not be read' };
  if (seen.forwarding) return { status: 'ok', what: 'net.ipv4.ip_forward is 1' };
  const what = 'net.ipv4.ip_forward is 0';
  return failed(what, {
    code: 'forwarding-off',
    message: `${src.host} forwards nothing for ${src.network.cidr}: ${what}`,
    fix: `apply the playbook, or run sysctl -p /etc/sysctl.conf on ${src.host}`,
    at: tunnel.at('ends', src.host, 'network'),
  });
}

/**
 * The peer answers on its own address. Between two hosts the policies hold a plain ping back, so there only what arrives
 * from it tells. `explained`: a fault was found that a silent peer may follow from.
 */
export function peerLayer({ end, seen, traffic }: View, explained: boolean): Finding {
  const { tunnel, src, dst } = end;
  const arrived =
    seen.wire.packets.some(({ source }) => source === traffic.peer) ||
    (seen.ping !== null && seen.ping !== 'absent' && seen.ping.tries > 0);
  if (seen.peerAnswers) return { status: 'ok', what: `${dst.address} answers` };
  if (arrived) return { status: 'ok', what: `packets of ${dst.address} arrive` };
  const noWay = seen.outside.found === false;
  if (!noWay && seen.peerAnswers === null)
    return { status: 'unknown', what: `the policies let no plain ping of ${dst.address} pass` };
  if (explained && !noWay) return { status: 'unknown', what: `${dst.address} answers no ping` };
  const what = noWay ? `no route leads to ${dst.address}` : `${dst.address} does not answer`;
  return failed(what, {
    code: 'peer-unreachable',
    message: `${src.host} does not reach ${dst.host}: ${what}`,
    fix: `see to it that ${dst.host} is up, and that its address is right`,
    at: tunnel.at('ends', dst.host, 'address'),
  });
}
