/**
 * What a change does to traffic and services while it is made: for people who must decide on it, and for `--max-down`.
 * What is missing does not happen.
 */
export interface Effect {
  /** The task's own tunnel. `drops`: it is up, and goes down; `stops`: to stay so; `starts`: it was not up, and comes up. */
  readonly tunnel?: 'drops' | 'stops' | 'starts';
  /** All connections of the host drop for a moment. */
  readonly network?: true;
  /** A service that is started, stopped or restarted. */
  readonly service?: string;
}
