import type { PolicyTable } from '../../../../../modules/shared/policies.ts';
import type { Secret } from '../../../../model/secret.ts';
import type { Association } from './associations.ts';
import type { Packet } from './packets.ts';
import type { Proposal, Sainfo } from './racoon-settings.ts';

/** What was seen of one end, on its host. */
export interface EndEvidence {
  readonly racoon: {
    readonly state: 'running' | 'absent' | 'unknown';
    /** Seconds since 1970; null: not known. */
    readonly started: number | null;
  };
  /** Of the files that racoon reads at its start and at SIGHUP: when they were written. */
  readonly written: readonly WrittenFile[];
  readonly policies: PolicyTable;
  readonly associations: { readonly before: readonly Association[]; readonly after: readonly Association[] };
  /** The line of the peer in psk.txt; `absent`: it has none; `unknown`: the file could not be read. */
  readonly psk: Secret | 'absent' | 'unknown';
  readonly phase1: readonly Proposal[];
  readonly sainfo: Sainfo | null;
  /** `ip route get` of the peer's address. */
  readonly outside: Way;
  /** What was captured there in clear leaves; false: it may as well arrive, and nothing tells. */
  readonly onlyLeaving: boolean;
  /** The route of the other network, as `ip route list` has it; null: it has none, or there is no network. */
  readonly route: string | null;
  /** `ip route get` of the other network. */
  readonly way: Way;
  readonly forwarding: boolean | null;
  /** The peer's own address, where the policies let a ping of it pass; null: not tried. */
  readonly peerAnswers: boolean | null;
  /** `absent`: the host has no ping; null: none was tried. */
  readonly ping: Ping | 'absent' | null;
  readonly wire: Wire;
  readonly mtu: number | null;
  readonly log: readonly string[];
}

export interface WrittenFile {
  readonly name: string;
  readonly at: number;
  /** The same as syslog writes it. */
  readonly shown: string;
}

export interface Way {
  readonly found: boolean | null;
  readonly device: string | null;
  /** The address that this host's own packets have there. */
  readonly source: string | null;
}

export interface Ping {
  /** How many it took until one came back; 0: none did. */
  readonly tries: number;
  /** Of those sent afterwards. */
  readonly sent: number;
  readonly received: number;
}

/** `absent`: there is no tcpdump; `deaf`: it may not listen; `off`: nobody wanted it. */
export interface Wire {
  readonly state: 'watched' | 'absent' | 'deaf' | 'off';
  readonly packets: readonly Packet[];
}
