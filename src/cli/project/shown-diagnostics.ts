import type { Diagnostic } from '../../lang/diagnostic.ts';
import type { Source } from '../../lang/source.ts';
import type { Secret } from '../../model/secret.ts';
import type { Span } from '../../model/span.ts';
import { makeRedactor } from '../../secrets/redact.ts';

/**
 * Diagnostics as they may be shown: nothing is quoted from files that are encrypted, nor what was opened, and what has
 * one cause is one diagnostic.
 */
export function presentable(
  diagnostics: readonly Diagnostic[],
  sources: ReadonlyMap<string, Source>,
  opened: readonly Secret[],
): readonly Diagnostic[] {
  const quoted = diagnostics.map((diagnostic) => {
    const { found, ...rest } = diagnostic;
    return found !== undefined && isSealed(diagnostic.span, sources) ? rest : diagnostic;
  });
  const redacted = opened.length === 0 ? quoted : quoted.map(redaction(opened));
  return oneForEachCause(withoutConsequences(redacted));
}

function isSealed(span: Span | undefined, sources: ReadonlyMap<string, Source>): boolean {
  return span !== undefined && sources.get(span.file)?.sealed === true;
}

function redaction(opened: readonly Secret[]): (diagnostic: Diagnostic) => Diagnostic {
  const redactor = makeRedactor();
  for (const secret of opened) redactor.add(secret);
  const { redact } = redactor;
  return ({ message, found, fix, related, ...rest }) => ({
    ...rest,
    message: redact(message),
    ...(found === undefined ? {} : { found: redact(found) }),
    ...(fix === undefined ? {} : { fix: redact(fix) }),
    ...(related === undefined
      ? {}
      : { related: related.map(({ message: other, span }) => ({ message: redact(other), span })) }),
  });
}

/** Where the passwords could not be had, that is what is wrong, and not each text that wants one. */
function withoutConsequences(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const failed = diagnostics.some(({ code, severity }) => code === 'vault-password' && severity === 'error');
  return failed ? diagnostics.filter(({ code }) => code !== 'vault-no-password') : diagnostics;
}

/** A missing or wrong password is one mistake, however many texts want it. */
const ONE_CAUSE = new Set(['vault-no-password', 'vault-wrong-password', 'vault-unknown-id']);
const SHOWN = 4;

function oneForEachCause(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const causes = new Map<string, Diagnostic[]>();
  for (const diagnostic of diagnostics) {
    if (!ONE_CAUSE.has(diagnostic.code)) continue;
    const id = JSON.stringify([diagnostic.code, diagnostic.severity, diagnostic.fix]);
    const same = causes.get(id) ?? [];
    if (!same.some(({ span }) => samePlace(span, diagnostic.span))) causes.set(id, [...same, diagnostic]);
  }
  const merged = [...causes.values()].map(merge);
  return [...diagnostics.filter(({ code }) => !ONE_CAUSE.has(code)), ...merged];
}

function merge([first, ...others]: readonly Diagnostic[]): Diagnostic {
  const diagnostic = first as Diagnostic;
  const related = others.flatMap(({ span }) => (span === undefined ? [] : [{ message: 'encrypted too', span }]));
  if (related.length === 0) return diagnostic;
  const more = related.length - SHOWN;
  const count = more > 0 ? ` (and ${more} more that are not listed)` : '';
  return { ...diagnostic, message: `${diagnostic.message}${count}`, related: related.slice(0, SHOWN) };
}

function samePlace(a: Span | undefined, b: Span | undefined): boolean {
  return a?.file === b?.file && a?.line === b?.line && a?.column === b?.column;
}
