import type { AnyModule } from '../../engine/module.ts';
import type { Script } from '../../engine/sh.ts';
import type { Diagnostic } from '../../lang/diagnostic.ts';
import type { Agreement, PeerConfiguration } from '../../model/agreement.ts';
import type { Span } from '../../model/span.ts';
import type { EndStanding } from '../../model/standing.ts';
import type { Perspective, Tunnel } from '../../model/tunnel.ts';
import type { TunnelVerdict } from '../../model/verdict.ts';

/**
 * What turns the ends of tunnels into tasks for one IPsec implementation. Pure. Nothing outside a backend knows the
 * implementation's files or programs.
 */
export interface Backend {
  readonly name: string;
  /** The mapping in tunnels.yml, and the host variable, that hold this backend's own options. */
  readonly optionsKey: string;
  /** JSON Schema of that mapping. */
  readonly optionsSchema: object;
  /** What of these tunnels this implementation cannot carry, or carries with a trap. */
  check(tunnels: readonly Tunnel[]): readonly Diagnostic[];
  compileHost(ends: HostEnds, context: BackendContext): readonly BackendTask[];
  /** The tasks of `up`, `down` and `reload` on one host, for the ends that are selected. */
  operate(ends: HostEnds, operation: Operation): readonly BackendTask[];
  /** The modules of those tasks that are no user's. */
  readonly ownModules: readonly AnyModule[];
  readonly proof: Proof;
  readonly importer: Importer;
  readonly handOff: HandOff;
  readonly leftovers: Leftovers;
  readonly standing: Standing;
  readonly beyond: Beyond;
}

/**
 * Takes over what is on hosts already. What was seen of a host is known to the backend alone: it holds secrets. Whatever
 * `pair` gives as a tunnel is on its hosts just as `compileHost` would have it, but for what a warning says.
 */
export interface Importer<Seen = unknown> {
  /** Follows the engine's prelude, and only looks. */
  readonly script: Script;
  /** null: the script has not come to its end. */
  read(stdout: string): Seen | null;
  /** The name that the host gives itself. */
  hostname(seen: Seen): string | null;
  /** Puts the ends of tunnels together, all hosts at once. Pure. */
  pair(hosts: readonly ImportedHost<Seen>[], inventory?: KnownInventory): Imported;
}

/** What an inventory has already, to which an import is added. */
export interface KnownInventory {
  readonly tunnels: readonly Tunnel[];
  /** Of its hosts that are not imported. */
  readonly addresses: ReadonlyMap<string, string>;
  /** The backend's options for a host, those that count more behind the others. */
  options(host: string): readonly unknown[];
}

/** A tunnel of the inventory that was met on an imported host. */
export interface KnownTunnel {
  readonly name: string;
  /** What its hosts say otherwise, by name; never a value. */
  readonly differing: readonly string[];
}

export interface ImportedHost<Seen = unknown> {
  readonly name: string;
  /** The address by which it was reached, where that is one. */
  readonly address: string | null;
  readonly seen: Seen;
}

export interface Imported {
  readonly tunnels: readonly Tunnel[];
  /** The backend's options for all hosts, and those of single ones; null: there is nothing to say. */
  readonly options: object | null;
  readonly hostOptions: ReadonlyMap<string, object>;
  /** An error: something is left out. A warning: something to know of what is not. Places are `HOST:PATH`. */
  readonly findings: readonly Diagnostic[];
  /** Tunnels of the inventory that were met; they are not among `tunnels`. */
  readonly known: readonly KnownTunnel[];
}

/** What can be done with tunnels that are there, without changing what they are. */
export type Operation = 'up' | 'down' | 'reload';

/** What there is to see of tunnels' ends without trying anything out: no ping, no packets. */
export interface Standing {
  /** One script a host, for all its ends; it follows the engine's prelude, and only reads. */
  look(ends: readonly Perspective[]): Script;
  /** What the script printed, by the tunnel's name; text that nobody knows is passed over. */
  read(stdout: string, ends: readonly Perspective[]): ReadonlyMap<string, EndStanding>;
}

/** What belongs to tunnels' ends, and no task of theirs manages. */
export interface Beyond {
  /** Files that the host's own programs write for these ends; `remedy`: how one gets right again that was edited. */
  files(
    ends: readonly Perspective[],
  ): readonly { readonly path: string; readonly tunnel: string; readonly remedy: string }[];
  /** Follows the look of {@link Standing} in the same script, and only reads. */
  look(ends: readonly Perspective[]): Script;
  /**
   * What the kernel has with the peers of these ends that neither a file of the host nor `all`, its ends in the inventory,
   * asks for. `stdout`: of both scripts.
   */
  read(
    stdout: string,
    ends: readonly Perspective[],
    all: readonly Perspective[],
  ): readonly { readonly what: string; readonly why: string }[];
}

/**
 * How it is proven that encrypted traffic flows through tunnels. What was seen of one end is known to the backend alone:
 * it may hold secrets.
 */
export interface Proof<Evidence = unknown> {
  /**
   * One script a host, for all ends to be proven there; it follows the engine's prelude. It gathers evidence and changes
   * nothing. The ends take their turns side by side, 64 at a time, and it ends by itself within `patience` and fifteen
   * seconds, or twenty-five with `mtu`, for each 64 ends.
   */
  evidence(ends: readonly Perspective[], options: ProofOptions): Script;
  /** What the script printed, by the tunnel's name; text that nobody knows is passed over. */
  read(stdout: string, ends: readonly Perspective[]): ReadonlyMap<string, Evidence>;
  /** Both ends together, in the tunnel's order; null: the end is external, or nothing was seen of it. Pure. */
  judge(tunnel: Tunnel, evidence: readonly [Evidence | null, Evidence | null], options: ProofOptions): TunnelVerdict;
}

export interface ProofOptions {
  /** Seconds until the first ping must have come back: IKE may have to make the SAs first. */
  readonly patience: number;
  /** Watch the packets on the outside device. */
  readonly wire: boolean;
  /** Find the largest packet that passes. */
  readonly mtu: boolean;
  /** What the inventory says of this backend's own options on a host; absent: it is not known. */
  readonly hostOptions?: (host: string) => HostOptions;
  /** SAs that are older than so many seconds are not the ones to be proven; absent: all are. */
  readonly oldest?: number;
  /** Random, drawn for each run: keys are compared by a digest that is keyed with it. */
  readonly keyed: string;
}

export interface HostOptions {
  /** Those of the inventory and then the host's own, as written. */
  readonly layers: readonly unknown[];
  /** Where one is written that holds on this host, and whether it is the host's own; null: nothing is. */
  at(path: readonly string[]): { readonly span: Span; readonly isOwn: boolean } | null;
}

/** What somebody needs who sets up the other end of a tunnel. Pure. */
export interface HandOff {
  /** All parameters as this implementation will have them, from the far end's point of view; `options`: those of our end. */
  agreement(far: Perspective, options: readonly unknown[]): Agreement;
  /** What the far end writes where it runs this implementation, in each way there is. Keys are placeholders in `far`. */
  configurations(far: Perspective, agreement: Agreement, options: readonly unknown[]): readonly PeerConfiguration[];
}

/** What was once created on hosts, and no tunnel names any more. What was seen of a host is known to the backend alone. */
export interface Leftovers<Seen = unknown> {
  /** Prints what is remembered, and what connections there are. It only reads, and no secret is in what it prints. */
  readonly look: Script;
  /** Null: only root may see what is remembered. */
  read(stdout: string): Seen | null;
  /** The same for all names of one machine, and of no other; null where nothing was created on it, or nobody can tell. */
  machine(seen: Seen): string | null;
  /** `ends`: all that the inventory has on that host, whatever their state. Pure. */
  find(seen: Seen, host: string, ends: readonly Perspective[], options: readonly unknown[]): readonly Leftover[];
}

export interface Leftover {
  /** The tunnel that it was an end of, by the name that it had. */
  readonly tunnel: string;
  /** The connection's name on its host. */
  readonly nickname: string;
  /** The host at the other end, as the inventory named it then. */
  readonly other: string;
  /** Why it must be left alone; null: `tasks` remove it, and nothing else. */
  readonly kept: string | null;
  readonly tasks: readonly BackendTask[];
}

/** The ends on one host, each as that host sees it, in stable order. */
export interface HostEnds {
  /** Those to be worked on. */
  readonly selected: readonly Perspective[];
  /** All there are, the selected ones among them. */
  readonly all: readonly Perspective[];
}

/** What to do so that written files take effect. */
export type Activation = 'auto' | 'network-restart' | 'tunnel' | 'none';

export interface BackendContext {
  readonly activation: Activation;
  /** Tunnels by name whose SAs must not outlive a change of their keys. */
  readonly renewed?: ReadonlySet<string>;
  /** Options of tunnels.yml, and of the host, each as written and already checked against the schema. */
  readonly options: readonly unknown[];
}

/** A task without what the user's own task adds to it: condition, tags, the prefix of its id. */
export interface BackendTask {
  /** Unique among the tasks of the host, and made of names only, never of counts. */
  readonly key: string;
  readonly name: string;
  readonly module: string;
  /** May be a getter, that makes them when they are first asked for. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly tunnel: Tunnel | null;
  /** A program and its arguments that succeed while the tunnel lets traffic through; it ends by itself. */
  readonly liveness?: readonly string[];
  /** Runs only when one of these earlier tasks, by key, changes something. */
  readonly triggers: readonly { readonly key: string; readonly on: 'change' | 'created' }[] | null;
}
