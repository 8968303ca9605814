import { type Diagnostic, error, warning } from '../../lang/diagnostic.ts';
import type { Located } from '../../lang/yaml.ts';
import type { Span } from '../../model/span.ts';
import { overlap } from '../../model/subnet.ts';
import type { Report } from './origin.ts';
import type { Settings } from './settings.ts';
import type { Side } from './sides.ts';

/**
 * Checks that two ends make a tunnel; false when they do not. Of a mesh, each member is reported once a fault, and not
 * with everyone it clashes with: make a checker for each entry.
 */
export function pairChecker(settings: Settings, document: Located, report: Report): (a: Side, b: Side) => boolean {
  const seen = new Set<string>();
  return (a, b) => {
    const fault = faultOf(a, b, settings, document);
    if (fault === null) return true;
    const id = `${fault.code}\n${b.host}`;
    if (!seen.has(id)) report(fault);
    seen.add(id);
    return fault.severity === 'warning';
  };
}

function faultOf(a: Side, b: Side, settings: Settings, document: Located): Diagnostic | null {
  if (!a.managed && !b.managed) {
    return error('ends-unmanaged', 'both ends of this tunnel are managed elsewhere', {
      span: placeOf(b, 'managed', document),
      fix: 'leave out managed: false at the end that is yours',
    });
  }
  if (a.address === b.address) {
    return error('address-same', `both ends, ${a.host} and ${b.host}, have the address ${a.address}`, {
      span: placeOf(b, 'address', document),
      fix: 'the address that each end has by itself',
      related: [{ message: `the other end, ${a.host}`, span: placeOf(a, 'address', document) }],
    });
  }
  if (settings.state === 'absent') return null;
  if (settings.type === 'network-to-network') return clash(a, b, document);
  return a.isPrivate === b.isPrivate ? null : mixed(a, b, document);
}

function clash(a: Side, b: Side, document: Located): Diagnostic | null {
  if (!a.network || !b.network || !overlap(a.network, b.network)) return null;
  const same = a.network.cidr === b.network.cidr;
  const message = same
    ? `both ends, ${a.host} and ${b.host}, have the network ${a.network.cidr}`
    : `the networks of ${a.host} and ${b.host} overlap: ${a.network.cidr} and ${b.network.cidr}`;
  return error(same ? 'network-same' : 'network-overlap', message, {
    span: placeOf(b, 'network', document),
    fix: 'two networks that share no address; renumber one of them',
    related: [{ message: `the network of ${a.host}`, span: placeOf(a, 'network', document) }],
  });
}

/** The advice of Red Hat's chapter on host-to-host connections. */
function mixed(a: Side, b: Side, document: Located): Diagnostic {
  const [inside, outside] = a.isPrivate ? [a, b] : [b, a];
  return warning(
    'address-mixed',
    `${inside.host} has the private address ${inside.address}, ${outside.host} the public ${outside.address}`,
    {
      span: placeOf(inside, 'address', document),
      fix: 'for host-to-host both addresses public, or both private on the same LAN; otherwise a network-to-network tunnel',
    },
  );
}

function placeOf({ member }: Side, key: string, document: Located): Span {
  if (Object.hasOwn(member.written, key)) return document.span([...member.pointer, key]);
  return member.pointer[0] === 'tunnels' ? document.keySpan(member.pointer) : document.span(member.pointer);
}
