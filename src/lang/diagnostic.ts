import type { Span } from '../model/span.ts';

/**
 * A mistake in what the user wrote, as a value. All of a run are collected and shown at once.
 * `code` is stable and documented in docs/diagnostics.md.
 */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly code: string;
  /** One sentence: what is wrong. */
  readonly message: string;
  /** The offending text, where the message does not already quote it. Never a secret. */
  readonly found?: string;
  /** What to write instead, or to do. */
  readonly fix?: string;
  readonly span?: Span;
  /** Another place that belongs to it: "first defined here". */
  readonly related?: readonly { readonly message: string; readonly span: Span }[];
}

export function error(
  code: string,
  message: string,
  rest: Omit<Diagnostic, 'severity' | 'code' | 'message'> = {},
): Diagnostic {
  return { severity: 'error', code, message, ...rest };
}

export function warning(
  code: string,
  message: string,
  rest: Omit<Diagnostic, 'severity' | 'code' | 'message'> = {},
): Diagnostic {
  return { severity: 'warning', code, message, ...rest };
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === 'error');
}
