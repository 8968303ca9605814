import type { Diagnostic } from '../../lang/diagnostic.ts';
import type { Perspective, Tunnel } from '../../model/tunnel.ts';

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
  /** Options of tunnels.yml, and of the host, each as written and already checked against the schema. */
  readonly options: readonly unknown[];
}

/** A task without what the user's own task adds to it: condition, tags, the prefix of its id. */
export interface BackendTask {
  /** Unique among the tasks of the host, and made of names only, never of counts. */
  readonly key: string;
  readonly name: string;
  readonly module: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly tunnel: Tunnel | null;
  /** A program and its arguments that succeed while the tunnel lets traffic through; it ends by itself. */
  readonly liveness?: readonly string[];
  /** Runs only when one of these earlier tasks, by key, changes something. */
  readonly triggers: readonly { readonly key: string; readonly on: 'change' | 'created' }[] | null;
}
