import { type Diagnostic, hasErrors } from '../../lang/diagnostic.ts';
import type { Input } from './read-input.ts';

/**
 * Leaves out what is only said because of what could not be read or opened, which is told itself: there are no hosts
 * then, no tunnels, no variables of an encrypted file.
 */
export function withoutConsequences(
  found: readonly Diagnostic[],
  { hostless, loading }: Input,
  tunnels: { readonly tunnels: readonly unknown[]; readonly diagnostics: readonly Diagnostic[] },
): readonly Diagnostic[] {
  const unopened = loading.diagnostics.filter(({ code }) => UNOPENED.has(code));
  const tunnelless = tunnels.tunnels.length === 0 && hasErrors([...loading.diagnostics, ...tunnels.diagnostics]);
  const silent = new Set([
    ...(hostless ? NAMES_HOSTS : []),
    ...(tunnelless ? NAMES_TUNNELS : []),
    ...(hasErrors(unopened) ? [UNDEFINED] : []),
  ]);
  const told = found.filter(({ code }) => !silent.has(code));
  if (unopened.length === 0) return told;
  return told.map((fault) => (fault.code === UNDEFINED && fault.fix === undefined ? { ...fault, fix: FIX } : fault));
}

/** Of whole files: values are opened later, by who uses them. */
const UNOPENED = new Set<string>([
  'vault-no-password',
  'vault-wrong-password',
  'vault-unknown-id',
  'vault-damaged',
  'vault-not-text',
]);

/** What is said of a host, or of a pattern, that the inventory does not have. */
const NAMES_HOSTS = ['end-unknown', 'pattern-no-match', 'pattern-no-hosts'];
const NAMES_TUNNELS = ['no-tunnels', 'tunnel-matches-nothing'];
const UNDEFINED = 'template-undefined';
const FIX = 'a vault password, if it stands in a file that is encrypted';
