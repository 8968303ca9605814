import { type Policy, protects, type Traffic } from './policies.ts';

/** How a connection protects its traffic; what is not said may be either way. */
export interface Protection {
  readonly mode?: 'transport' | 'tunnel' | undefined;
  readonly esp?: boolean | undefined;
  readonly ah?: boolean | undefined;
}

/** Whether the kernel protects the traffic in just this way, both directions. */
export function isProtected(policies: readonly Policy[], traffic: Traffic, wanted: Protection): boolean {
  const found = (['out', 'in'] as const).map((direction) =>
    policies.find((policy) => protects(policy, direction, traffic) && leadsTo(policy, traffic.peer)),
  );
  if (found.includes(undefined)) return false;
  if (wanted.mode === undefined) return true;
  const rules = found.flatMap((policy) => policy?.rules ?? []);
  // With manual keys each direction may have its own protocols.
  const fits = (protocol: 'esp' | 'ah') =>
    wanted[protocol] === undefined || rules.some((rule) => rule.protocol === protocol) === wanted[protocol];
  return rules.every(({ mode }) => mode === wanted.mode) && fits('esp') && fits('ah');
}

/** The traffic, if the kernel protects it in any way. */
export function activeTraffic(policies: readonly Policy[], traffic: Traffic | null): Traffic | undefined {
  return traffic && policies.some((policy) => protects(policy, 'out', traffic)) ? traffic : undefined;
}

/** What ifup is going to put into the kernel. */
export function policiesFor(traffic: Traffic, wanted: Protection): Policy[] {
  const rules = (['esp', 'ah'] as const)
    .filter((protocol) => wanted[protocol] ?? true)
    .map((protocol) => ({ protocol, mode: wanted.mode ?? 'tunnel' }));
  const { source, destination } = traffic;
  return [
    { direction: 'out', source, destination, action: 'ipsec', rules },
    { direction: 'in', source: destination, destination: source, action: 'ipsec', rules },
  ];
}

/** The policies for all other traffic. */
export function otherPolicies(policies: readonly Policy[], traffic: Traffic): Policy[] {
  return policies.filter(
    (policy) => !(['in', 'out', 'fwd'] as const).some((direction) => protects(policy, direction, traffic)),
  );
}

/** Whether a policy may need SAs with the peer; where that cannot be told, it may. */
export function mayLeadTo({ source, destination, rules }: Policy, peer: string): boolean {
  const mayBe = (end: string) => end === peer || end === '' || end.includes('/');
  return rules.some((rule) =>
    rule.source === undefined ? mayBe(source) || mayBe(destination) : [rule.source, rule.destination].includes(peer),
  );
}

/** In tunnel mode the far end of the tunnel must be the peer. */
function leadsTo(policy: Policy, peer: string): boolean {
  return policy.rules.every(({ source, destination }) => {
    const far = policy.direction === 'out' ? destination : source;
    return far === undefined || far === peer;
  });
}
