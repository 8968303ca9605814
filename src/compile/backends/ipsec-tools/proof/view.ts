import { normal, type Policy, protects, type Traffic } from '../../../../../modules/shared/policies.ts';
import type { ManualSas, Perspective } from '../../../../model/tunnel.ts';
import type { Cause, LayerResult } from '../../../../model/verdict.ts';
import type { Association, Protocol } from './associations.ts';
import type { EndEvidence } from './end-evidence.ts';
import type { Packet } from './packets.ts';

/** One end, what was seen of it, and what it should be. */
export interface View {
  readonly end: Perspective;
  readonly seen: EndEvidence;
  readonly traffic: Traffic;
  readonly mode: 'tunnel' | 'transport';
  /** As packets have them, from the outside inwards. */
  readonly protocols: readonly Protocol[];
  /** What this end sends and gets with manual keying; null: IKE makes the SAs. */
  readonly manual: { readonly out: ManualSas; readonly in: ManualSas } | null;
}

/** What a layer gives, with the cause where it failed. */
export interface Finding {
  readonly status: LayerResult['status'];
  readonly what: string;
  readonly cause?: Cause;
}

export function viewOf(end: Perspective, seen: EndEvidence): View {
  const { tunnel, src, dst, index } = end;
  const networks = src.network !== undefined && dst.network !== undefined;
  const { keying } = tunnel;
  const manual = keying.method === 'manual' ? { out: keying.sent[index], in: keying.sent[index === 0 ? 1 : 0] } : null;
  const isUsed = (protocol: Protocol) =>
    tunnel[protocol] !== false && (manual === null || (manual.out[protocol] ?? manual.in[protocol]) !== undefined);
  return {
    end,
    seen,
    traffic: {
      peer: dst.address,
      source: networks ? normal(src.network.cidr) : '',
      destination: networks ? normal(dst.network.cidr) : dst.address,
    },
    mode: networks ? 'tunnel' : 'transport',
    protocols: (['ah', 'esp'] as const).filter(isUsed),
    manual,
  };
}

export type Direction = 'out' | 'in';

/** The policies for the tunnel's traffic. */
export function policiesOf({ seen, traffic }: View, direction: Policy['direction']): readonly Policy[] {
  if (seen.policies.kind === 'fault') return [];
  return seen.policies.policies.filter((policy) => protects(policy, direction, traffic));
}

/** The SAs with the peer. The address on this side may be another one than the inventory's, where NAT changes it. */
export function associationsOf(
  { seen, traffic }: View,
  direction: Direction,
  when: 'before' | 'after' = 'after',
): readonly Association[] {
  return seen.associations[when].filter(
    (each) => (direction === 'out' ? each.destination : each.source) === traffic.peer,
  );
}

/** The packets on the outside device that are for the peer, or come from it. */
export function packetsOf({ seen, traffic }: View, direction: Direction): readonly Packet[] {
  return seen.wire.packets.filter(
    (packet) => (direction === 'out' ? packet.destination : packet.source) === traffic.peer,
  );
}

export function failed(what: string, cause: Cause): Finding {
  return { status: 'failed', what, cause };
}

/** `ESP inside AH`, `ESP`, `AH` */
export function named(protocols: readonly Protocol[]): string {
  return (
    [...protocols]
      .reverse()
      .map((each) => each.toUpperCase())
      .join(' inside ') || 'no IPsec'
  );
}

export function hex(spi: number): string {
  return `0x${spi.toString(16).padStart(8, '0')}`;
}
