import type { EndStanding } from '../model/standing.ts';
import type { Tunnel } from '../model/tunnel.ts';
import type { Verified } from '../model/verdict.ts';

/** All that `status` knows of a tunnel. */
export interface TunnelStatus {
  readonly tunnel: Tunnel;
  /** In the order of its ends; null: somebody else manages it, or it could not be looked at. */
  readonly ends: readonly [EndStanding | null, EndStanding | null];
  readonly verified: Verified | null;
  /** The runs on its hosts that wait for a person, and may have changed it. */
  readonly pending: readonly string[];
}

/** Seconds since its key changed, by the clock of its host; null: not known. */
export function keyAge({ now, keyChanged }: EndStanding): number | null {
  return now === null || keyChanged === null ? null : Math.max(0, now - keyChanged);
}

/** The living SAs of one end in numbers. */
export interface Traffic {
  readonly count: number;
  /** Some are still being negotiated. */
  readonly isLarval: boolean;
  /** Of the oldest one, in seconds; null: not told, or there are none. */
  readonly age: number | null;
  /** What they have carried so far; with AH and ESP around the same packets it is counted once. */
  readonly bytes: { readonly in: number; readonly out: number };
}

export function trafficOf({ associations }: EndStanding): Traffic {
  const living = associations.filter(({ state }) => state === 'mature' || state === 'dying');
  const ages = living.flatMap(({ age }) => age ?? []);
  const carried = (direction: 'in' | 'out') => {
    const sums = new Map<string, number>();
    for (const each of living) {
      if (each.direction === direction) sums.set(each.protocol, (sums.get(each.protocol) ?? 0) + (each.bytes ?? 0));
    }
    return Math.max(0, ...sums.values());
  };
  return {
    count: living.length,
    isLarval: associations.some(({ state }) => state === 'larval'),
    age: ages.length === 0 ? null : Math.max(...ages),
    bytes: { in: carried('in'), out: carried('out') },
  };
}
