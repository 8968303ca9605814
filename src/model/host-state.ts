/* Before the class, which makes an empty state at once. */
const NOTHING: ReadonlyMap<string, never> = new Map<string, never>();

/**
 * What is known of a host: resources, each of a kind and with a name, read by a probe or predicted by a plan.
 * Immutable. A resource that nobody probed is `undefined`, which is the honest and safe value.
 */
export class HostState {
  static readonly empty = new HostState(new Map());
  readonly #base: Resources;
  /** What lies over that, and is little: a plan of thousands of tasks puts one prediction after another on a large state. */
  readonly #top: Resources;
  #whole: Resources | null = null;

  private constructor(base: Resources, top: Resources = NOTHING) {
    this.#base = base;
    this.#top = top;
  }

  get #resources(): Resources {
    this.#whole ??= this.#top.size === 0 ? this.#base : new Map([...this.#base, ...this.#top]);
    return this.#whole;
  }

  get<T>(kind: ResourceKind<T>, name: string): T | undefined {
    const id = key(kind, name);
    return (this.#top.get(id) ?? this.#base.get(id))?.value as T | undefined;
  }

  /** This state with one resource set. */
  with<T>(kind: ResourceKind<T>, name: string, value: T): HostState {
    return this.#under(new Map([[key(kind, name), { kind, name, value }]]));
  }

  /** This state, overlaid by all that `other` knows. */
  merge(other: HostState): HostState {
    if (other.#base.size === 0) return this;
    if (this.#base.size === 0) return other;
    return this.#under(other.#resources);
  }

  #under(more: Resources): HostState {
    const top = new Map([...this.#top, ...more]);
    const isLittle = top.size * top.size <= this.#base.size;
    return isLittle ? new HostState(this.#base, top) : new HostState(new Map([...this.#base, ...top]));
  }

  /** Only the resources that live as long as the run: they survive a new probe. */
  runScoped(): HostState {
    return new HostState(new Map([...this.#resources].filter(([, { kind }]) => kind.scope === 'run')));
  }

  /** All resources. */
  entries(): Iterable<{ readonly kind: ResourceKind<unknown>; readonly name: string; readonly value: unknown }> {
    return this.#resources.values();
  }

  /** All resources of one kind, by name. */
  all<T>(kind: ResourceKind<T>): ReadonlyMap<string, T> {
    const found = new Map<string, T>();
    for (const entry of this.#resources.values())
      if (entry.kind.kind === kind.kind) found.set(entry.name, entry.value as T);
    return found;
  }

  /** Merges many states in one pass, later ones on top. */
  static merge(states: Iterable<HostState>): HostState {
    const resources = new Map<string, { kind: ResourceKind<unknown>; name: string; value: unknown }>();
    for (const state of states) for (const [id, entry] of state.#resources) resources.set(id, entry);
    return new HostState(resources);
  }
}

type Resources = ReadonlyMap<
  string,
  { readonly kind: ResourceKind<unknown>; readonly name: string; readonly value: unknown }
>;

/**
 * A kind of resource, such as `package`. `scope: 'run'` marks what no probe can read back (a service was restarted in
 * this run): it is kept from the prediction when the host is probed again.
 */
export interface ResourceKind<T> {
  readonly kind: string;
  readonly scope: 'host' | 'run';
  /** Never set; carries the type. */
  readonly type?: T;
}

export function resourceKind<T>(kind: string, scope: 'host' | 'run' = 'host'): ResourceKind<T> {
  return { kind, scope };
}

/** A path on a host, symbolic links followed. Text is the bytes of the file, one UTF-16 unit a byte ("latin1"). */
export type FileState =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'file';
      readonly mode: number;
      readonly owner: string;
      readonly group: string;
      readonly uid: number;
      readonly gid: number;
      /** `undefined`: the file is there but may not be read by this user. */
      readonly bytes: string | undefined;
    }
  | {
      readonly kind: 'directory';
      readonly mode: number;
      readonly owner: string;
      readonly group: string;
      readonly uid: number;
      readonly gid: number;
    }
  | { readonly kind: 'other'; readonly type: string };

/** Every module that touches a path reads and predicts it under this kind, so that later tasks see earlier ones. */
export const fileResource = resourceKind<FileState>('file');

function key(kind: ResourceKind<never> | ResourceKind<unknown>, name: string): string {
  return `${kind.kind}:${name}`;
}
