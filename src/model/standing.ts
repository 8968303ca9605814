/** How one end of a tunnel stands on its host, as seen without trying anything out. Holds no secret. */
export interface EndStanding {
  /**
   * Its files. `yes`: as the inventory says. `differs`: they make something else. `no`: they are not there. `unknown`: they
   * could not be read.
   */
  readonly configured: 'yes' | 'differs' | 'no' | 'unknown';
  /** Those that are missing or say something else, by name. */
  readonly differing: readonly string[];
  /** The kernel protects its traffic. `differs`: in another way than the inventory says, or in one direction only. */
  readonly active: 'yes' | 'differs' | 'no' | 'unknown';
  /** One line for a person: what the kernel has. */
  readonly what: string;
  /** What negotiates its keys. `unneeded`: the keys are in the files. */
  readonly daemon: 'running' | 'absent' | 'unknown' | 'unneeded';
  /** Files that it may not have read as they are now; null: not known. */
  readonly unread: readonly string[] | null;
  readonly associations: readonly StandingAssociation[];
  /** When its key last changed, in seconds since 1970 by the host's clock; null: not known. */
  readonly keyChanged: number | null;
  /** The host's clock, in the same. */
  readonly now: number | null;
}

/** An SA with the peer (RFC 4301 4.4.2): all tunnels between two addresses have theirs in common. */
export interface StandingAssociation {
  readonly direction: 'in' | 'out';
  readonly protocol: string;
  readonly spi: number;
  readonly state: string;
  /** Seconds; null: not told. */
  readonly age: number | null;
  readonly bytes: number | null;
}
