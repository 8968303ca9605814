import type { Secret } from './secret.ts';
import type { Span } from './span.ts';
import type { Subnet } from './subnet.ts';

/** One agreement between exactly two ends. Everything is resolved: defaults, host variables, meshes and hubs. */
export interface Tunnel {
  readonly name: string;
  readonly type: 'host-to-host' | 'network-to-network';
  readonly ends: readonly [End, End];
  readonly keying: Keying;
  /** Phase 1; `undefined` fields are not written, the network scripts' defaults hold. */
  readonly ike: { readonly encryption?: string; readonly hash?: string; readonly dhGroup?: number };
  /** `false`: switched off. `undefined` fields are not written. */
  readonly esp: { readonly encryption?: string; readonly authentication?: string } | false;
  readonly ah: { readonly authentication?: string } | false;
  readonly onboot: boolean;
  readonly state: 'present' | 'absent';
  /** Where the user wrote a part of it: `at('keying', 'psk')`, `at('ends', 'pinky', 'nickname')`; `at()`: its name. */
  readonly at: (...path: readonly (string | number)[]) => Span;
}

export interface End {
  /** Name of the inventory host, or of an external peer. */
  readonly host: string;
  /** `false`: an external peer that somebody else manages. */
  readonly managed: boolean;
  /** The connection's name on its host: `ipsec0` in `ifup ipsec0`. */
  readonly nickname: string;
  readonly address: string;
  /** Both are there on each end of a network-to-network tunnel, and on no other. */
  readonly network?: Subnet;
  readonly gateway?: string;
}

export type Keying =
  | { readonly method: 'psk'; readonly psk: Secret }
  /** By the end that sends. */
  | { readonly method: 'manual'; readonly sent: readonly [ManualSas, ManualSas] }
  | {
      readonly method: 'x509';
      /** Base names under /etc/racoon/certs, in the order of the ends: NAME.public and NAME.private. */
      readonly certificates: readonly [string, string];
      /** How an end comes by its peer's certificate: a file of its own, DNS (RFC 2538), or the IKE exchange. */
      readonly peer: 'file' | 'dns' | 'exchange';
    };

/** The SAs of one direction, RFC 4301 4.4.2. At least one of both. */
export interface ManualSas {
  readonly ah?: { readonly spi: number; readonly key: Secret };
  readonly esp?: { readonly spi: number; readonly key: Secret; readonly authenticationKey?: Secret };
}

/** One end as its own host sees it: `src` is here, `dst` is there. */
export interface Perspective {
  readonly tunnel: Tunnel;
  readonly src: End;
  readonly dst: End;
  readonly index: 0 | 1;
}

export function perspectives(tunnel: Tunnel): readonly [Perspective, Perspective] {
  const [a, b] = tunnel.ends;
  return [
    { tunnel, src: a, dst: b, index: 0 },
    { tunnel, src: b, dst: a, index: 1 },
  ];
}
