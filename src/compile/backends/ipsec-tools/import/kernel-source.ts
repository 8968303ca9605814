import type { EndSeen } from './end.ts';

/** The address that the kernel's policies send from to this end's peer; null: there are none. */
export function kernelSource({ dst, seen }: Pick<EndSeen, 'dst' | 'seen'>): string | null {
  for (const { direction, destination, source, rules } of seen.policies ?? []) {
    if (direction !== 'out') continue;
    const tunnel = rules.find((rule) => rule.destination === dst);
    if (tunnel?.source !== undefined) return tunnel.source;
    if (destination === dst && /^[\d.]+$/.test(source)) return source;
  }
  return null;
}
