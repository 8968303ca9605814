/**
 * How one host is reached over SSH, everything decided: command line, inventory, ssh_config(5) and defaults in one.
 * Paths are absolute, tokens (%h, %r …) expanded.
 */
export interface SshSettings {
  /** The name in messages: the inventory host, or the jump host as the user wrote it. */
  readonly name: string;
  /** What is connected to: an address, or a name for the resolver. */
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  /** The name that known_hosts files know it by (HostKeyAlias); `null`: `hostName` and `port`. */
  readonly hostKeyAlias: string | null;
  /** The first one receives new keys. */
  readonly knownHostsFiles: readonly string[];
  /** A host of which no key is known is believed, and its key recorded. A changed key is refused whatever this says. */
  readonly acceptNewHostKeys: boolean;
  /** Named by the user: tried first, and missed when they are not there. */
  readonly namedIdentityFiles: readonly string[];
  /** Tried where they exist. */
  readonly defaultIdentityFiles: readonly string[];
  /** Of ssh-agent's keys only those that are named (IdentitiesOnly). */
  readonly identitiesOnly: boolean;
  /** What may be tried, best first (PreferredAuthentications and the like); absent: all, in our order. */
  readonly authMethods?: readonly ('publickey' | 'keyboard-interactive' | 'password')[];
  /** The socket of ssh-agent; `null`: none. */
  readonly agentSocket: string | null;
  readonly proxy: SshProxy | null;
  /** Seconds until the connection must be ready. */
  readonly connectTimeout: number;
  /** Seconds between two questions whether the host is still there, and how many in vain are the end. */
  readonly keepalive: { readonly interval: number; readonly count: number };
  /** `el5`: also what OpenSSH 3.9 and 4.3 have, where `algorithms` says nothing else. */
  readonly profile: 'el5' | null;
  /** In order of preference, as ssh_config(5) has them; what is absent is ours to choose. */
  readonly algorithms: SshAlgorithms;
  /** 0: either. */
  readonly addressFamily: 0 | 4 | 6;
  readonly bindAddress: string | null;
}

export interface SshAlgorithms {
  readonly kex?: readonly string[];
  readonly hostKey?: readonly string[];
  readonly cipher?: readonly string[];
  readonly mac?: readonly string[];
}

export type SshProxy =
  /** Through the connection to another host, which may itself have a proxy (RFC 4254 7.2, direct-tcpip). */
  | { readonly kind: 'jump'; readonly via: SshSettings }
  /** Through the stdin and stdout of a command that `sh` runs on this machine. */
  | { readonly kind: 'command'; readonly command: string };
