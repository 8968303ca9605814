import type { Span } from './span.ts';

/**
 * `not-applied`: the host is as the last run left it, and the inventory or the playbook says something else by now.
 * `edited`: somebody else has changed the host since. `kernel`: what runs is not what the files say.
 */
export const DRIFT_KINDS = ['not-applied', 'edited', 'kernel'] as const;

export type DriftKind = (typeof DRIFT_KINDS)[number];

export interface DriftItem {
  readonly host: string;
  readonly kind: DriftKind;
  /** A path, or a thing that is no file: `package ipsec-tools`, `connection ipsec0`. */
  readonly what: string;
  readonly tunnel: string | null;
  /** One line for a person: why it is of this kind. */
  readonly why: string;
  /** The last run that had it in hand; null: none that is still kept. */
  readonly run: string | null;
  /** Why it is left out of account, and where that is written. */
  readonly ignored: { readonly reason: string; readonly at: Span } | null;
}
