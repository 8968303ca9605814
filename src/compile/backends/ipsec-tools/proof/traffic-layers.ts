import type { Cause } from '../../../../model/verdict.ts';
import { type Association, isAlive } from './associations.ts';
import { alive } from './associations-layer.ts';
import { clearText } from './clear-text.ts';
import type { Packet } from './packets.ts';
import { associationsOf, type Direction, type Finding, failed, named, packetsOf, type View } from './view.ts';

/** A ping from this end's own side to the other's. */
export function pingLayer(here: View): Finding {
  const { end, seen } = here;
  const { tunnel, src, dst } = end;
  const target = dst.gateway ?? dst.address;
  if (seen.ping === null) return { status: 'unknown', what: `${target} was not pinged` };
  if (seen.ping === 'absent') return { status: 'unknown', what: `${src.host} has no ping to try ${target} with` };
  const { tries, sent, received } = seen.ping;
  if (tries > 0 && received > 0) {
    return {
      status: 'ok',
      what: `${target} answers${tries > 1 ? ` from the ${ordinal(tries)} ping on` : ''}, ${received} of ${sent}`,
    };
  }
  if (tries > 0) return { status: 'ok', what: `${target} answered once` };
  const what = `${target} answers no ping`;
  const [out, back] = (['out', 'in'] as const).map((direction) => carries(here, direction));
  if (out && back === false) {
    return failed(what, {
      code: 'one-way',
      message: `${src.host} sends encrypted packets to ${dst.host}, and none comes back`,
      fix: `let ESP and AH (IP protocols 50 and 51) through both ways between ${src.address} and ${dst.address}`,
      at: tunnel.at('ends', dst.host, 'address'),
    });
  }
  if (back && isDroppedHere(here)) {
    return failed(what, {
      code: 'one-way',
      message: `encrypted packets of ${dst.host} arrive at ${src.host}, and none gets as far as its SAs`,
      fix: `let ESP and AH (IP protocols 50 and 51) from ${dst.address} through the firewall of ${src.host}`,
      at: tunnel.at('ends', src.host, 'address'),
    });
  }
  return failed(what, noTraffic(here, `${target} answers no ping from ${src.gateway ?? src.address}`));
}

/** The packets on the outside device: the protocols of the tunnel with the SPIs of its SAs, and nothing in clear. */
export function wireLayer(here: View): Finding {
  const clear = clearText(here);
  if (clear !== null) return clear;
  const { end, seen, protocols } = here;
  const { tunnel, src, dst } = end;
  const out = encrypted(here, 'out');
  const back = encrypted(here, 'in');
  // What arrived with AH is shown once more without it.
  const whole = back.filter((packet) => chain(packet) === protocols.join(' '));
  const isAnswered = back.length === 0 || whole.length > 0;
  const wrong = out.find((packet) => chain(packet) !== protocols.join(' ')) ?? (isAnswered ? undefined : back[0]);
  if (wrong) {
    const found = named(wrong.headers.map(({ protocol }) => protocol));
    const what = `${found} ${wrong === back[0] ? 'arrives' : 'leaves'}, not ${named(protocols)}`;
    const protocol = (['esp', 'ah'] as const).find((each) => chain(wrong).includes(each) !== protocols.includes(each));
    return failed(what, {
      code: 'wrong-protocol',
      message: `between ${src.host} and ${dst.host}, ${what} (seen on ${src.host})`,
      fix: `look for a policy that goes before the tunnel's: setkey -DP on ${wrong === back[0] ? dst.host : src.host}`,
      at: protocol ? tunnel.at(protocol) : tunnel.at(),
    });
  }
  const counted = counters(here);
  if (seen.wire.state !== 'watched' || out.length === 0) {
    const why = { absent: 'no tcpdump: ', deaf: 'tcpdump may not listen: ', watched: '', off: '' }[seen.wire.state];
    if (counted.out && counted.in)
      return { status: 'ok', what: `${why}the SAs carried ${counted.out} bytes out and ${counted.in} in` };
    return { status: 'unknown', what: `${why}no packet with ${named(protocols)} was seen, and the SAs counted none` };
  }
  const strange = out.flatMap(({ headers }) => headers).find(({ protocol, spi }) => !knows(here, protocol, spi));
  if (strange) {
    return { status: 'unknown', what: `${named([strange.protocol])} leaves with an SPI that no SA has any more` };
  }
  if (back.length === 0 && !counted.in) {
    return { status: 'unknown', what: `${named(protocols)} leaves, and nothing of it came back` };
  }
  return {
    status: 'ok',
    what: `${named(protocols)} with the SPIs of the SAs, ${out.length} out and ${whole.length} in, nothing in clear`,
  };
}

/** What says that the SAs' own counters had to do, or null. */
export function counterNote(here: View): string | null {
  const { end, seen } = here;
  const counted = counters(here);
  const isUnseen = encrypted(here, 'out').length === 0 && counted.out > 0 && counted.in > 0;
  const why = {
    absent: 'has no tcpdump',
    deaf: 'does not let tcpdump listen',
    watched: isUnseen ? `saw no packet of the tunnel on ${seen.outside.device ?? 'its outside device'}` : null,
    off: null,
  }[seen.wire.state];
  return why === null ? null : `${end.src.host} ${why}: the byte counters of the SAs stand in for the packets`;
}

function encrypted(view: View, direction: Direction): readonly Packet[] {
  return packetsOf(view, direction).filter(({ kind }) => kind === 'ipsec');
}

function chain({ headers }: Packet): string {
  return headers.map(({ protocol }) => protocol).join(' ');
}

function knows(view: View, protocol: string, spi: number): boolean {
  return (['before', 'after'] as const).some((when) =>
    associationsOf(view, 'out', when).some((each) => each.protocol === protocol && each.spi === spi),
  );
}

/** Bytes that the SAs carried while the ping ran. */
function counters(view: View): { readonly out: number; readonly in: number } {
  const grown = (direction: Direction) => {
    const before = associationsOf(view, direction, 'before');
    const same = (one: Association) => before.find(({ spi, protocol }) => spi === one.spi && protocol === one.protocol);
    return associationsOf(view, direction)
      .filter(isAlive)
      .filter(({ protocol }) => protocol === view.protocols.at(-1))
      .reduce((sum, each) => sum + Math.max(0, (each.bytes ?? 0) - (same(each)?.bytes ?? 0)), 0);
  };
  return { out: grown('out'), in: grown('in') };
}

/** Whether encrypted packets went that way; null: nothing tells. */
function carries(view: View, direction: Direction): boolean | null {
  if (view.seen.wire.state === 'watched' && encrypted(view, direction).length > 0) return true;
  if (counters(view)[direction] > 0) return true;
  const [protocol] = view.protocols;
  const counts = protocol !== undefined && alive(view, direction, protocol).some(({ bytes }) => bytes !== null);
  return view.seen.wire.state === 'watched' || counts ? false : null;
}

/** tcpdump sees what a firewall of the host itself drops; the SAs do not. */
function isDroppedHere(view: View): boolean {
  const known = associationsOf(view, 'in').filter(isAlive);
  return (
    encrypted(view, 'in').length > 0 &&
    known.length > 0 &&
    known.every((each) => each.bytes === bytesBefore(view, each))
  );
}

function bytesBefore(view: View, { protocol, spi }: Association): number | null | undefined {
  return associationsOf(view, 'in', 'before').find((each) => each.protocol === protocol && each.spi === spi)?.bytes;
}

function noTraffic({ end: { tunnel, src, dst } }: View, message: string): Cause {
  const fix = dst.network
    ? `see to it that ${dst.gateway} is up on ${dst.host}, and that no firewall of either end drops ICMP`
    : `see to it that no firewall of ${src.host} or ${dst.host} drops ICMP`;
  return { code: 'no-traffic', message, fix, at: tunnel.at() };
}

function ordinal(count: number): string {
  const ending = { 1: 'st', 2: 'nd', 3: 'rd' }[count % 10];
  return `${count}${ending === undefined || (count % 100 >= 11 && count % 100 <= 13) ? 'th' : ending}`;
}
