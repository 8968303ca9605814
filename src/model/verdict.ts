import type { Span } from './span.ts';

/** What is looked at to prove a tunnel, in this order: the first that fails explains those after it. */
export const LAYERS = ['peer', 'daemon', 'policies', 'associations', 'route', 'forwarding', 'ping', 'wire'] as const;

export type Layer = (typeof LAYERS)[number];

export interface LayerResult {
  readonly layer: Layer;
  /** `unknown`: it could not be seen. `skipped`: it does not apply, or a layer before it explains it. */
  readonly status: 'ok' | 'failed' | 'unknown' | 'skipped';
  /** One line for a person: what was seen. */
  readonly what: string;
}

export interface EndVerdict {
  readonly host: string;
  readonly nickname: string;
  readonly layers: readonly LayerResult[];
}

/** Why a tunnel failed. */
export interface Cause {
  readonly code: CauseCode;
  readonly message: string;
  /** What to do about it. */
  readonly fix: string | null;
  /** The line of YAML that it is about. */
  readonly at: Span | null;
}

export type CauseCode =
  | 'peer-unreachable'
  | 'racoon-not-running'
  | 'racoon-stale'
  | 'policy-missing'
  | 'policy-differs'
  | 'selectors-not-mirrored'
  | 'proposal-mismatch'
  | 'psk-differs'
  | 'spi-mismatch'
  | 'key-mismatch'
  | 'udp-500-blocked'
  | 'one-way'
  | 'route-missing'
  | 'forwarding-off'
  | 'clear-text'
  | 'wrong-protocol'
  | 'no-traffic';

export interface TunnelVerdict {
  readonly tunnel: string;
  /** `unproven`: nothing is wrong, but it could not be shown. */
  readonly status: 'proven' | 'failed' | 'unproven';
  /** In the order of the tunnel's ends. */
  readonly ends: readonly EndVerdict[];
  readonly cause: Cause | null;
  /** The largest packet, in bytes, that passed unfragmented; null: not asked for, or not found. */
  readonly mtu: number | null;
  readonly notes: readonly string[];
}

/** When a tunnel was last verified from here, and what came of it. */
export interface Verified {
  /** ISO 8601, by the clock of the machine that verified. */
  readonly at: string;
  readonly status: TunnelVerdict['status'];
  /** The code of the cause, where it failed. */
  readonly cause: string | null;
}

/** What must be seen for a proof. */
export const PROVING = ['policies', 'associations', 'ping', 'wire'] as const satisfies readonly Layer[];

/** What kept a verdict that found nothing wrong from being a proof: `HOST: WHAT`. */
export function unshown({ ends }: Pick<TunnelVerdict, 'ends'>): string {
  const open = ends.flatMap(({ host, layers }) =>
    layers
      .filter(({ layer, status }) => status === 'unknown' && PROVING.some((each) => each === layer))
      .map(({ what }) => `${host}: ${what}`),
  );
  return open[0] ?? 'nothing tells why';
}
