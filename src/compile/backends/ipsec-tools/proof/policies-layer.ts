import type { Policy } from '../../../../../modules/shared/policies.ts';
import type { Cause } from '../../../../model/verdict.ts';
import { type Finding, failed, named, policiesOf, type View } from './view.ts';

/** The kernel's policies are the tunnel's: selectors, protocols, mode, and the outer addresses. */
export function policiesLayer(here: View, there: View | null): Finding {
  const { seen, traffic } = here;
  if (seen.policies.kind === 'fault') return { status: 'unknown', what: seen.policies.why };
  const missing = (['out', 'in'] as const).filter((direction) => policiesOf(here, direction).length === 0);
  if (missing.length > 0) {
    const other = missing.length === 2 ? otherSelectors(here) : null;
    return other === null ? notThere(here, missing) : misdirected(here, there, other);
  }
  for (const direction of ['out', 'in', 'fwd'] as const) {
    for (const policy of policiesOf(here, direction)) {
      const found = shape(here, policy);
      if (found !== wantedShape(here)) return different(here, direction, found);
    }
  }
  return { status: 'ok', what: `${named(here.protocols)} in ${here.mode} mode for ${traffic.destination}` };
}

function notThere({ end, traffic }: View, missing: readonly string[]): Finding {
  const { tunnel, src } = end;
  const what = `no policy ${missing.join(' and ')} for ${traffic.destination}`;
  return failed(what, {
    code: 'policy-missing',
    message: `the kernel of ${src.host} has ${what}: ${src.nickname} is not up there`,
    fix: `bring it up: ifup ${src.nickname} on ${src.host}`,
    at: tunnel.at(),
  });
}

/** Policies towards the peer for other networks than the tunnel's. */
function otherSelectors({ seen, traffic, mode }: View): Policy | null {
  if (seen.policies.kind === 'fault' || mode === 'transport') return null;
  const found = seen.policies.policies.filter(
    ({ direction, rules }) => direction === 'out' && rules.some(({ destination }) => destination === traffic.peer),
  );
  // More than one: they belong to other tunnels to the same peer.
  return found.length === 1 ? (found[0] ?? null) : null;
}

function misdirected(here: View, there: View | null, policy: Policy): Finding {
  const { tunnel, src, dst } = here.end;
  const what = `the policies are for ${policy.source} to ${policy.destination}`;
  const own = policy.source !== here.traffic.source;
  const isRightThere = there !== null && policiesOf(there, 'out').length > 0;
  const cause: Cause = {
    code: isRightThere ? 'selectors-not-mirrored' : 'policy-differs',
    message: isRightThere
      ? `the kernel of ${src.host} protects ${policy.source} to ${policy.destination}, that of ${dst.host} ${there.traffic.source} to ${there.traffic.destination}`
      : `the kernel of ${src.host} protects ${policy.source} to ${policy.destination}, not ${here.traffic.source} to ${here.traffic.destination}`,
    fix: `apply the playbook, which takes ${src.nickname} down with its old files first; both ends must have the same two networks`,
    at: tunnel.at('ends', own ? src.host : dst.host, 'network'),
  };
  return failed(what, cause);
}

function different(here: View, direction: string, found: string): Finding {
  const { tunnel, src } = here.end;
  const what = `the policy ${direction} asks for ${found}, not ${wantedShape(here)}`;
  const protocol = (['esp', 'ah'] as const).find((each) => found.includes(each) !== here.protocols.includes(each));
  const at = protocol
    ? tunnel.at(protocol)
    : found.includes(here.mode)
      ? tunnel.at('ends', here.end.dst.host, 'address')
      : tunnel.at('type');
  return failed(what, {
    code: 'policy-differs',
    message: `on ${src.host} ${what}`,
    fix: `apply the playbook, or take ${src.nickname} down and up again (ifdown, ifup)`,
    at,
  });
}

/** `ah/tunnel/198.51.100.2 esp/tunnel/198.51.100.2`: the address is the peer's. */
function shape({ traffic }: View, { direction, rules }: Policy): string {
  return rules
    .map(({ protocol, mode, source, destination }) => {
      const far = direction === 'out' ? destination : source;
      return `${protocol}/${mode}/${far === undefined || far === '' ? (mode === 'tunnel' ? traffic.peer : '') : far}`;
    })
    .sort()
    .join(' ');
}

function wantedShape({ protocols, mode, traffic }: View): string {
  return protocols
    .map((protocol) => `${protocol}/${mode}/${mode === 'tunnel' ? traffic.peer : ''}`)
    .sort()
    .join(' ');
}
