import { expect } from 'vitest';
import { reveal } from '../../../src/model/secret.ts';
import type { Tunnel } from '../../../src/model/tunnel.ts';
import type { TunnelVerdict } from '../../../src/model/verdict.ts';
import { sasOf } from './healthy.ts';

/** The same tunnel with its ends in the other order. */
export function swapped(one: Tunnel): Tunnel {
  const [a, b] = one.ends;
  const { keying } = one;
  const turned =
    keying.method === 'manual'
      ? { ...keying, sent: [keying.sent[1], keying.sent[0]] as const }
      : keying.method === 'x509'
        ? { ...keying, certificates: [keying.certificates[1], keying.certificates[0]] as const }
        : keying;
  return { ...one, ends: [b, a], keying: turned };
}

/** Neither a key of the tunnel nor one that a host has in its place. */
export function tellsNoSecret(one: Tunnel, verdict: TunnelVerdict): void {
  const told = JSON.stringify(verdict);
  expect(told).not.toContain('0ther_K3y');
  const { keying } = one;
  if (keying.method === 'psk') expect(told).not.toContain(JSON.stringify(reveal(keying.psk)).slice(1, -1));
  for (const sender of [0, 1] as const)
    for (const { keys } of sasOf(one, sender))
      for (const digits of keys.match(/[0-9a-f]{8}/g) ?? []) expect(told).not.toContain(digits);
}
