import type { Variables } from './host.ts';
import type { Span } from './span.ts';

/** A compiled task of one host, in its place in the order. */
export interface Task {
  /** Unique on its host, and stable: adding a task elsewhere does not change it. */
  readonly id: string;
  readonly name: string;
  readonly module: string;
  /** The module's arguments, or how to make them once the variables they need are known (facts, registered results). */
  readonly args: Deferred<Readonly<Record<string, unknown>>>;
  /** The tunnel it is part of. */
  readonly tunnel: string | null;
  /** A program and its arguments that succeed on the host while its tunnel lets traffic through. */
  readonly liveness?: readonly string[];
  /** The user's condition. */
  readonly when: Deferred<boolean>;
  /** Runs only when one of these earlier tasks changes something in this run; for handlers and restarts. */
  readonly triggers: readonly Trigger[] | null;
  /** The variable that receives the result. */
  readonly register?: string;
  /** One item of a loop: `register` receives `{ results: [...] }`, in this order, each with its `item`. */
  readonly loop?: { readonly index: number; readonly count: number; readonly item: unknown };
  readonly ignoreErrors: boolean;
  /** `changed_when`, `failed_when`, given the registered result. */
  readonly changedWhen?: Deferred<boolean>;
  readonly failedWhen?: Deferred<boolean>;
  /** Seconds that it may take; 0: as long as it does. Where it is missing, the run's own limit holds. */
  readonly timeout?: number;
  readonly tags: readonly string[];
  /** Where the user wrote it, or what it was compiled from. */
  readonly span: Span | null;
}

/** `created`: the task must have made its file anew, not only changed it. */
export interface Trigger {
  readonly task: string;
  readonly on: 'change' | 'created';
}

/** A value that is known now (`needs` is empty), or once the named variables are. A resolve that fails throws a TemplateFault. */
export interface Deferred<T> {
  readonly needs: readonly string[];
  resolve(vars: Variables): T;
}

export function known<T>(value: T): Deferred<T> {
  return { needs: NOTHING, resolve: () => value };
}

const NOTHING: readonly string[] = [];

/** What is said of a task that is always due, wherever it is. */
export const ALWAYS_DUE = {
  when: known(true),
  triggers: null,
  ignoreErrors: false,
  tags: [],
} as const satisfies Partial<Task>;

/** One play, compiled: the tasks of each of its hosts. */
export interface CompiledPlay {
  readonly name: string;
  /** Hosts in the order of the run. */
  readonly hosts: readonly CompiledHost[];
  /** Sizes of the batches, the last one repeated; empty: all hosts at once. */
  readonly serial: readonly number[];
  /** Of the ends of a tunnel the one that begins it changes first, in place of the one that answers. */
  readonly beginnersFirst?: boolean;
  /** The run ends after a batch in which a host failed. */
  readonly anyErrorsFatal?: boolean;
  /** The run ends after a batch in which more than this share of the hosts failed, in percent. */
  readonly maxFailPercentage?: number;
}

export interface CompiledHost {
  readonly host: string;
  /** Handlers included, in their place. */
  readonly tasks: readonly Task[];
  /** Run as another user; overrides the inventory. */
  readonly become: boolean | null;
  /** That user, where the play names one. */
  readonly becomeUser?: string;
  /** Of the hosts with the same name here, no two may change at the same time. */
  readonly redundancyGroup?: string;
}
